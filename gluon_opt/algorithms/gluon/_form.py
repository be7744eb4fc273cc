"""What is known of a rule in Gluon's form beside the rule."""
from dataclasses import dataclass, field
from typing import Callable, Union


@dataclass(frozen=True)
class GluonForm:
    """A rule in Gluon's form and what goes with it.

    Attributes:
        rule: book-shaped. Beside its own hyperparameters it reads Gluon's `wd`, `clip_gradient`
            and `rescale_grad`. Who calls it for parameters with multipliers or counts of their own
            does so in Gluon's order, with one and the same dict, and sets `lr` and `wd` (times
            lr_mult, wd_mult), `t`, and for lars `base_lr` (not times lr_mult) before each call.
        states: arrays of state a parameter needs, all starting as zeros; where that depends on
            the hyperparameters, a function of them, which returns what `init_states` takes as
            `states`, and raises GluonOptError for what fails in Gluon or is not written by hand.
        keys: our hyperparameter names -> Gluon's, where the two differ.
        early_lr: Gluon asks the schedule before it counts the step, not after.
    """

    rule: Callable
    states: Union[int, Callable] = 0
    keys: dict = field(default_factory=dict)
    early_lr: bool = False

    def states_for(self, hyperparams):
        """What `init_states` takes as `states`, for our hyperparameters."""
        return self.states(hyperparams) if callable(self.states) else self.states

    def ours(self, hyperparams):
        """Hyperparameters as `gluon.Trainer` takes them, under our names."""
        names = {theirs: ours for ours, theirs in {'lr': 'learning_rate', **self.keys}.items()}
        return {names.get(key, key): value for key, value in hyperparams.items()}
