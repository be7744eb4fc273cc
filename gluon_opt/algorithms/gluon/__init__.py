"""Rules in Gluon's form: what MXNet 1.9.1 executes under each name that its Trainer takes.

They are written like the book's, with the book's letters, and differ in what the top of each file
says: defaults, the place of eps, where weight decay goes, the grouping of a product. With the same
gradients they give Gluon's numbers bit for bit in float32; lamb, lars and groupadagrad, which sum
over an array, to 1e-6. (That is for MXNet's x86 packages. A build that contracts multiply-adds is
within 1e-6 too.)

All read three options as Gluon has them: `g = clip(rescale_grad gradient)` in a formula means the
gradient times rescale_grad, then limited to [-clip_gradient, clip_gradient] if that is given; `wd`
is where the formula has it.
"""
import importlib

_NAMES = ('sgd', 'nag', 'signum', 'sgld', 'dcasgd', 'adagrad', 'groupadagrad', 'rmsprop',
          'adadelta', 'adam', 'adamax', 'nadam', 'ftrl', 'ftml', 'lamb', 'lars', 'lbsgd')

FORMS = {name: importlib.import_module(f'{__name__}.{name}').form for name in _NAMES}
FORMS['ccsgd'] = FORMS['sgd']       # MXNet's own alias
