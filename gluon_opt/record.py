"""What a run leaves behind: losses against examples seen and seconds of training."""
import csv
import io
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional


@dataclass
class Record:
    """The loss on all data, measured before the first step and then as examples go by.

    Unpacks as the book's loops return it, `times, losses = record`.

    Attributes:
        size: examples in the data set.
        num_epochs: epochs the run was asked for.
        label: what ran.
        source: of the data: 'file', 'download', 'twin', or None when not known.
        examples: examples seen at each measurement.
        times: seconds of training until each measurement; evaluating and drawing do not count.
        losses: the loss on all data, mean of (y_hat - y)^2 / 2.
        seconds: seconds of training of the whole run.
    """

    size: int
    num_epochs: int
    label: str = ''
    source: Optional[str] = None
    examples: list = field(default_factory=list)
    times: list = field(default_factory=list)
    losses: list = field(default_factory=list)
    seconds: float = 0.0

    def add(self, examples, seconds, loss):
        self.examples.append(examples)
        self.times.append(seconds)
        self.losses.append(loss)

    @property
    def epochs(self):
        """Passes over the data at each measurement: examples seen / size of the data set."""
        return [n / self.size for n in self.examples]

    @property
    def loss(self):
        return self.losses[-1]

    @property
    def sec_per_epoch(self):
        """Seconds of training per epoch, the engine drained."""
        return self.seconds / self.num_epochs

    def __iter__(self):
        return iter((self.times, self.losses))

    def __repr__(self):
        twin = ', offline twin' if self.source == 'twin' else ''
        return (f'<Record {self.label}: loss {self.losses[0]:.3f} -> {self.loss:.3f} in '
                f'{self.epochs[-1]:g} epochs{twin}>')

    def _ipython_display_(self):
        """As the last expression of a cell a Record displays nothing, as in the book."""


def write_whole(path, contents):
    """Write a file so that it is either all there or not touched: a temporary one, renamed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = contents.encode() if isinstance(contents, str) else contents
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(contents)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def csv_text(header, rows):
    """The text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows([header, *rows])
    return text.getvalue()
