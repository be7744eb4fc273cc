r"""Formulas say what the papers say: each line is evaluated, and compared with `reference.py`.

The evaluator below reads the LaTeX that `formula` writes: \frac, \sqrt, products without a sign.
"""
import re

import numpy as onp
import pytest
import reference
from mxnet import np
from recipes import RECIPES

import gluon_opt
from gluon_opt import GluonOptError
from gluon_opt.algorithms import CHAPTER
from gluon_opt.fuse import formula, fuse

ADAM = r'''
\begin{aligned}
\mathbf{v} &\leftarrow \beta_1 \mathbf{v} + (1 - \beta_1) \mathbf{g} \\
\mathbf{s} &\leftarrow \beta_2 \mathbf{s} + (1 - \beta_2) \mathbf{g}^{2} \\
\hat{\mathbf{v}} &= \frac{\mathbf{v}}{1 - \beta_1^{t}} \\
\hat{\mathbf{s}} &= \frac{\mathbf{s}}{1 - \beta_2^{t}} \\
\mathbf{x} &\leftarrow \mathbf{x} - \frac{\eta \hat{\mathbf{v}}}{\sqrt{\hat{\mathbf{s}}} + \epsilon}
\end{aligned}
'''.strip()

SYMBOLS = {
    'lr': r'\eta', 'momentum': r'\beta', 'gamma': r'\gamma', 'rho': r'\rho', 't': 't',
    'beta1': r'\beta_1', 'beta2': r'\beta_2', 'eps': r'\epsilon', 'delta': r'\boldsymbol{\delta}',
    'v': r'\mathbf{v}', 's': r'\mathbf{s}'}

TOKEN = re.compile(r'''
    \\(?:frac|sqrt|cdot|odot)(?![a-z])
    | \\operatorname\{sign\}
    | (?: \\hat\{ (?:[^{}]|\{[^{}]*\})* \} | \\(?:mathbf|boldsymbol)\{[^{}]*\} | \\[a-z]+ | [a-z] )
      (?: _\d )? '*
    | \d+(?:\.\d+)? | [-+^(){}]''', re.X)


class Evaluator:
    """Recursive descent over the tokens of one right-hand side."""

    def __init__(self, text, values):
        self.tokens, self.values = TOKEN.findall(text), values
        assert ''.join(self.tokens) == re.sub(r'\s', '', text), f'cannot read {text}'

    def sum(self):
        sign = -1 if self.take('-') else 1
        value = sign * self.product()
        while self.tokens and self.tokens[0] in '+-':
            value = value + self.product() if self.take('+') else self.minus(value)
        return value

    def minus(self, value):
        assert self.take('-')
        return value - self.product()

    def product(self):
        value = self.power()
        while self.tokens and self.tokens[0] not in ('+', '-', ')', '}'):
            self.take(r'\cdot')
            self.take(r'\odot')
            value = value * self.power()
        return value

    def power(self):
        value = self.atom()
        return value ** self.group() if self.take('^') else value

    def atom(self):
        if self.take('('):
            value = self.sum()
            assert self.take(')')
            return value
        if self.take(r'\frac'):
            return self.group() / self.group()
        if self.take(r'\sqrt'):
            return onp.sqrt(self.group())
        if self.take(r'\operatorname{sign}'):
            return onp.sign(self.atom())
        token = self.tokens.pop(0)
        return float(token) if token[0].isdigit() else self.values[token]

    def group(self):
        assert self.take('{')
        value = self.sum()
        assert self.take('}')
        return value

    def take(self, token):
        return bool(self.tokens and self.tokens[0] == token and self.tokens.pop(0))


def evaluate(latex, values):
    """The values after the assignments of a formula."""
    values = dict(values)
    for line in latex.splitlines()[1:-1]:
        left, right = re.split(r' &(?:=|\\leftarrow) ', line.removesuffix(' \\\\'))
        evaluator = Evaluator(right, values)
        values[left.strip()] = evaluator.sum()
        assert not evaluator.tokens, line
    return values


def test_adam_looks_like_the_books():
    assert str(formula(gluon_opt.algorithms()['adam'].rule)) == ADAM


@pytest.mark.parametrize('recipe', [r for r in RECIPES if r.name in CHAPTER and r.form == 'book'],
                         ids=lambda recipe: recipe.id)
def test_agrees_with_the_papers(recipe):
    rng = onp.random.default_rng(0)
    hyperparams = {**recipe.other, **({'t': 7} if 't' in recipe.other else {})}
    p, g = rng.normal(size=(2, 5))
    states = [onp.abs(rng.normal(size=5)) for _ in recipe.states]
    values = {r'\mathbf{x}': p, r'\mathbf{g}': g,
              **{SYMBOLS[key]: value for key, value in hyperparams.items()},
              **{SYMBOLS[letter]: state for letter, state in zip(recipe.states, states)}}
    result = evaluate(formula(recipe.rule), values)
    displacement, new_states = recipe.step(reference.Past(tuple(states), [g], []), hyperparams)
    onp.testing.assert_allclose(result[r'\mathbf{x}'], p + displacement, rtol=1e-12)
    for letter, state in zip(recipe.states, new_states):
        onp.testing.assert_allclose(result[SYMBOLS[letter]], state, rtol=1e-12)


def test_branches_and_norms():
    def clipped(params, states, hyperparams):
        norm = sum((p.grad ** 2).sum() for p in params) ** 0.5
        for p in params:
            if norm > hyperparams['theta']:
                p.grad[:] *= hyperparams['theta'] / norm
            p[:] -= hyperparams['lr'] * (p.grad + 1e-4 * p / np.linalg.norm(p))

    assert formula(clipped).splitlines()[1:-1] == [
        r'\mathrm{norm} &= \sqrt{\operatorname{sum}(\mathbf{g}^{2})} \\',
        r'\mathbf{g} &\leftarrow \mathbf{g} \frac{\theta}{\mathrm{norm}} \\',
        r'\mathbf{x} &\leftarrow \mathbf{x} - \eta (\mathbf{g} + '
        r'\frac{0.0001 \mathbf{x}}{\left\|\mathbf{x}\right\|}) \\',
        r'&\text{if } \mathrm{norm} > \theta']


def test_old_and_new_values_differ_in_name():
    def nag_with_old_velocity(params, states, hyperparams):
        for p, v in zip(params, states):
            old = v.copy()
            v[:] = 0.9 * v - hyperparams['lr'] * p.grad
            p[:] += 1.9 * v - 0.9 * old

    assert formula(nag_with_old_velocity).splitlines()[1:-1] == [
        r"\mathbf{v}' &= 0.9 \mathbf{v} - \eta \mathbf{g} \\",
        r"\mathbf{x} &\leftarrow \mathbf{x} + 1.9 \mathbf{v}' - 0.9 \mathbf{v} \\",
        r"\mathbf{v} &\leftarrow \mathbf{v}'"]


def test_displays_in_notebooks():
    rule = gluon_opt.algorithms()['adam'].rule
    assert formula(fuse(rule))._repr_latex_() == f'$$\n{ADAM}\n$$'


def test_refuses_what_cannot_be_traced():
    def rule(params, states, hyperparams):
        for p in params:
            p[:] = np.cumsum(p)

    with pytest.raises(GluonOptError, match='rule: .*line.*cumsum'):
        formula(rule)
