import sys

from gluon_opt.cli import main

sys.exit(main())
