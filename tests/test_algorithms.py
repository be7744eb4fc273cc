"""The records of the algorithms: their bounds and messages, their states, their names in Gluon."""
import dataclasses
import inspect
import math

import mxnet as mx
import numpy as onp
import pytest
from mxnet import gluon, nd, np
from mxnet.util import is_np_array, is_np_shape
from recipes import RECIPES, Model, array, unpacked

import gluon_opt
from gluon_opt import GluonOptError
from gluon_opt.algorithms import CHAPTER
from gluon_opt.algorithms._algorithm import BOUNDS, Interval, Whole

table = gluon_opt.algorithms()
BOOK = {recipe.name: recipe for recipe in RECIPES if recipe.form == 'book'}

every_name = pytest.mark.parametrize('name', table)
every_value = pytest.mark.parametrize(
    'name, key', [(name, key) for name in table for key in table[name].defaults])


def outside(bounds):
    """Numbers that `bounds` must refuse, made from the bounds themselves."""
    if isinstance(bounds, Whole):
        return [bounds.low - 1, -bounds.low, bounds.low + 0.5, float(bounds.low),
                math.nan, math.inf]
    beyond = [math.nextafter(bounds.low, -math.inf), bounds.low - 1, -math.inf, math.nan]
    if bounds.left == '(':
        beyond.append(bounds.low)
    if bounds.right == ')':
        beyond.append(bounds.high)
    if bounds.high < math.inf:
        beyond += [math.nextafter(bounds.high, math.inf), bounds.high + 1, math.inf]
    return beyond


def inside(bounds):
    """Numbers that `bounds` must take: its ends, or what is next to them, and others between."""
    if isinstance(bounds, Whole):
        return [bounds.low, bounds.low + 1, 10 ** 9, onp.int64(bounds.low)]
    low = bounds.low if bounds.left == '[' else math.nextafter(bounds.low, math.inf)
    high = bounds.high if bounds.right == ']' else math.nextafter(bounds.high, -math.inf)
    return [low, high, (bounds.low + min(bounds.high, 1)) / 2, onp.float64(0.5), onp.float32(0.5)]


NOT_NUMBERS = ['0.5', '', None, True, False, 0.5j, [0.5], (1,), onp.array([0.5]), onp.array(0.5),
               onp.bool_(True), np.array([0.5]), nd.ones(1)]


def refused(call, *args, **kwargs):
    """The message of the error a call must raise."""
    with pytest.raises(GluonOptError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


# --- values ---------------------------------------------------------------------------------

def test_bounds_read_as_the_documents_have_them():
    assert {key: str(bounds) for key, bounds in BOUNDS.items()} == {
        'lr': '(0, inf)', 'momentum': '[0, 1)', 'gamma': '[0, 1]', 'rho': '[0, 1)',
        'beta1': '[0, 1)', 'beta2': '[0, 1)', 'beta3': '[0, 1)', 'schedule_decay': '[0, inf)',
        'eps': '(0, inf)', 'wd': '[0, inf)', 't': '{1, 2, ...}'}


@pytest.mark.parametrize('left', '([')
@pytest.mark.parametrize('right', ')]')
def test_interval_contains_an_end_only_with_a_bracket(left, right):
    interval = Interval(left, 2, 3, right)
    assert 2.5 in interval and 1.9 not in interval and 3.1 not in interval
    assert (2 in interval, 3 in interval) == (left == '[', right == ']')


@every_value
def test_values_inside_the_bounds_are_taken_as_they_are(name, key):
    for value in inside(BOUNDS[key]):
        complete = table[name].check({**table[name].chosen, key: value})
        assert complete[key] is value


@every_value
def test_values_outside_the_bounds_are_refused(name, key):
    for value in outside(BOUNDS[key]):
        message = refused(table[name].check, {**table[name].chosen, key: value})
        assert message == f'{name}: {key} must be in {BOUNDS[key]}, got {value!r}'


@every_value
def test_what_is_not_a_number_is_refused(name, key):
    for value in NOT_NUMBERS:
        message = refused(table[name].check, {**table[name].chosen, key: value})
        assert message == f'{name}: {key} must be a number, got {value!r}'


def test_messages_as_the_documents_have_them():
    adam = table['adam'].check
    assert refused(adam, {'lr': 0.01, 'beta1': 1.5}) == 'adam: beta1 must be in [0, 1), got 1.5'
    assert refused(adam, {'lr': 0.01, 'beta_1': 0.9}) == (
        "adam: unknown hyperparameter 'beta_1'; did you mean 'beta1'? "
        'known: lr, beta1, beta2, eps, t')
    assert refused(adam, {'t': 1}) == "adam: missing hyperparameter 'lr'; the book takes 0.01"


# --- names ----------------------------------------------------------------------------------

@every_value
def test_a_slip_in_a_name_is_met_with_the_right_one(name, key):
    known = table[name].defaults
    for slip in (key + '_', '_' + key):
        message = refused(table[name].check, {**table[name].chosen, slip: 0.5})
        assert message == (f'{name}: unknown hyperparameter {slip!r}; did you mean {key!r}? '
                           f'known: {", ".join(known)}')


@pytest.mark.parametrize('key', ['wibble', '', 3, None, ('lr',)], ids=repr)
def test_a_name_like_none_is_refused_without_a_guess(key):
    assert refused(table['sgd'].check, {'lr': 0.1, key: 1}) == (
        f'sgd: unknown hyperparameter {key!r}; known: lr')


@every_name
def test_what_the_book_passes_must_be_passed_but_for_t(name):
    chosen = table[name].chosen
    for key in set(chosen) - {'t'}:
        rest = {k: v for k, v in chosen.items() if k != key}
        assert refused(table[name].check, rest) == (
            f'{name}: missing hyperparameter {key!r}; the book takes {chosen[key]:g}')
    if 't' in chosen:
        assert table[name].check({'lr': 0.5})['t'] == 1


@pytest.mark.parametrize('wrong', [None, 'lr=0.1', 0.1, [('lr', 0.1)], {'lr'}], ids=repr)
def test_hyperparameters_must_be_a_dict(wrong):
    assert refused(table['sgd'].check, wrong) == f'sgd: hyperparams must be a dict, got {wrong!r}'


@every_name
def test_check_returns_a_new_dict_and_leaves_everything_else_alone(name):
    algorithm, given = table[name], dict(BOOK[name].chosen)
    before, defaults = dict(given), dict(algorithm.defaults)
    complete = algorithm.check(given)
    assert complete == BOOK[name].defaults
    complete.update(dict.fromkeys(complete, 0.123))
    assert given == before and algorithm.defaults == defaults
    assert algorithm.check(given) == defaults


@every_name
def test_a_rule_runs_on_what_check_returns(name):
    model = Model(table[name].rule, [[0.5]], [[[0.0]] * table[name].states],
                  table[name].check(table[name].chosen))
    model.step([[1.0]])
    assert model.points[0] < 0.5


# --- the table ------------------------------------------------------------------------------

def test_algorithms_come_in_the_order_of_the_book_and_then_the_others():
    chapter = ['sgd', 'sgd_momentum', 'nag', 'adagrad', 'rmsprop', 'adadelta', 'adam', 'nadam',
               'yogi']
    assert list(table)[:len(chapter)] == list(CHAPTER) == chapter
    for name in list(table)[len(chapter):]:
        assert table[name].rule.__module__ == f'gluon_opt.algorithms.more.{name}'


def test_table_and_records_are_read_only():
    with pytest.raises(TypeError):
        table['mine'] = table['sgd']
    with pytest.raises(TypeError):
        del table['sgd']
    with pytest.raises(dataclasses.FrozenInstanceError):
        table['sgd'].states = 3
    assert list(gluon_opt.algorithms()) == list(BOOK)


@every_name
def test_record_agrees_with_its_name_its_rule_and_the_recipe(name):
    algorithm = table[name]
    assert algorithm.name == algorithm.rule.__name__ == name
    assert getattr(gluon_opt, name) is algorithm.rule
    assert algorithm.states == len(BOOK[name].states)
    assert algorithm.chosen == BOOK[name].chosen
    assert algorithm.defaults == BOOK[name].defaults
    assert list(algorithm.defaults) == [key for key in BOUNDS if key in algorithm.defaults]


@every_name
def test_record_tells_what_a_comparison_needs(name):
    algorithm = table[name]
    differs = algorithm.matched_rule is not algorithm.rule or bool(algorithm.each_step)
    assert bool(algorithm.difference) == differs
    assert algorithm.rest and 0 < algorithm.bound <= 5e-6


@pytest.mark.parametrize('feature_dim', [1, 5])
@every_name
def test_the_books_function_makes_the_states_of_the_books_model(name, feature_dim, either_mode):
    algorithm = table[name]
    if algorithm.init_states is None:
        assert algorithm.states == 0
        return
    per_parameter = [unpacked(states) for states in algorithm.init_states(feature_dim)]
    assert [[s.shape for s in states] for states in per_parameter] == [
        [(feature_dim, 1)] * algorithm.states, [(1,)] * algorithm.states]
    arrays = [s for states in per_parameter for s in states]
    for i, s in enumerate(arrays):
        assert s.dtype == onp.float32 and (s.asnumpy() == 0).all()
        s[:] = i + 1        # had two of them one memory, the later would show in the earlier
    assert [s.asnumpy().flat[0] for s in arrays] == list(range(1, len(arrays) + 1))
    assert getattr(gluon_opt, algorithm.init_states.__name__) is algorithm.init_states


# --- Gluon ----------------------------------------------------------------------------------

IN_GLUON = [name for name in table if table[name].gluon]
in_gluon = pytest.mark.parametrize('name', IN_GLUON)


def parameters_of(cls):
    return {parameter for c in cls.__mro__[:-1]
            for parameter in inspect.signature(c.__init__).parameters}


@pytest.mark.parametrize('name', [name for name in table if name not in IN_GLUON])
def test_what_gluon_lacks_is_registered_by_the_import_of_the_package(name):
    assert mx.optimizer.Optimizer.opt_registry[name].__module__.startswith('gluon_opt')


def test_only_yogi_of_the_chapter_is_not_in_gluon():
    assert set(CHAPTER) - set(IN_GLUON) == {'yogi'}


@every_name
def test_the_trainers_keys_are_taken_and_others_are_not(name):
    algorithm = table[name]
    assert set(algorithm.keys) == set(algorithm.defaults) - {'t'}
    values = {theirs: algorithm.defaults[ours] for ours, theirs in algorithm.keys.items()}
    mx.optimizer.create(algorithm.gluon or name, **values)
    with pytest.raises((TypeError, GluonOptError), match='unexpected keyword|unknown'):
        mx.optimizer.create(algorithm.gluon or name, **values, wibble=1)


@in_gluon
def test_names_and_keys_are_those_of_mxnet(name):
    algorithm = table[name]
    cls = mx.optimizer.Optimizer.opt_registry[algorithm.gluon]
    assert cls.__module__.startswith('mxnet.')
    assert set(algorithm.keys.values()) | set(algorithm.each_step) <= parameters_of(cls)


@in_gluon
def test_gluon_form_is_what_mxnet_executes(name):
    """20 signed steps of two parameters; `test_gluon_forms.py` has every option and 300 steps."""
    algorithm, rng = table[name], onp.random.default_rng(11)
    hp = BOOK[name].other
    optimizer = mx.optimizer.create(algorithm.gluon, **{
        theirs: hp[ours] for ours, theirs in algorithm.keys.items()})
    update = mx.optimizer.get_updater(optimizer)
    points = [rng.normal(size=shape).astype('float32') for shape in [(3, 2), (4,)]]
    weights = [array(x, nd.NDArray) for x in points]
    ours = Model(gluon_opt.gluon_form(name), points,
                 [[onp.zeros_like(x)] * algorithm.states for x in points], hp)
    for _ in range(20):
        gradients = [rng.normal(size=x.shape).astype('float32') for x in points]
        for i, (w, g) in enumerate(zip(weights, gradients)):
            update(i, array(g, nd.NDArray), w)
        ours.step(gradients)
    for w, x, start in zip(weights, ours.points, points):
        onp.testing.assert_array_equal(w.asnumpy(), x)
        assert abs(x - start).max() > 0.05


def test_gluon_form_is_the_rule_itself_unless_gluon_has_another():
    for name in table:
        assert (gluon_opt.gluon_form(name) is table[name].rule) == (name not in IN_GLUON)
    assert gluon_opt.gluon_form('sgd_momentum') is gluon_opt.gluon_form('sgd')
    assert gluon_opt.gluon_form(gluon_opt.nadam) is gluon_opt.gluon_form('nadam')


@pytest.mark.parametrize('lookup', [gluon_opt.gluon_form,
                                    lambda name: gluon_opt.init_states(name, [np.ones(1)])],
                         ids=['gluon_form', 'init_states'])
def test_unknown_names_of_algorithms(lookup):
    known = f'known: {", ".join(table)}'
    assert refused(lookup, 'adm') == f"no algorithm 'adm'; did you mean 'adam'? {known}"
    assert refused(lookup, 'wibble') == f"no algorithm 'wibble'; {known}"
    assert refused(lookup, None) == f'no algorithm None; {known}'


# --- states of any parameters ---------------------------------------------------------------

SHAPES = [(2, 3), (4,), (2, 1, 3)]


def assert_fresh_zeros(states, params, count):
    """`count` zero arrays a parameter, of its shape, dtype and kind, none sharing memory."""
    assert isinstance(states, list) and len(states) == len(params)
    for state, p in zip(states, params):
        assert isinstance(state, {0: type(None), 1: type(p)}.get(count, tuple))
        assert len(unpacked(state)) == count
        for s in unpacked(state):
            assert (type(s), s.shape, s.dtype) == (type(p), p.shape, p.dtype)
            assert (s.asnumpy() == 0).all()
    arrays = [s for state in states for s in unpacked(state)]
    for i, s in enumerate(arrays):
        s[:] = i + 1
    assert [s.asnumpy().flat[0] for s in arrays] == list(range(1, len(arrays) + 1))


@pytest.mark.parametrize('kind', [np.ndarray, nd.NDArray], ids=['np arrays', 'nd arrays'])
@pytest.mark.parametrize('dtype', ['float32', 'float64'])
@every_name
def test_states_of_the_table(name, dtype, kind, either_mode):
    params = [array(onp.ones(shape), kind, dtype) for shape in SHAPES]
    for rule_or_name in (name, table[name].rule):
        states = gluon_opt.init_states(rule_or_name, params)
        assert_fresh_zeros(states, params, table[name].states)
    assert all((p.asnumpy() == 1).all() for p in params)


def test_states_of_gluon_parameters(either_mode):
    net = gluon.nn.Dense(3, in_units=2)
    net.initialize()
    parameters = net.collect_params().values()
    states = gluon_opt.init_states('adam', parameters)
    assert_fresh_zeros(states, [p.data() for p in parameters], 2)
    assert type(states[0][0]) is (np.ndarray if is_np_array() else nd.NDArray)


def reader_0(params, states, hyperparams):
    for p in params:
        p[:] -= hyperparams['step_size'] * p.grad


def reader_1(params, states, hyperparams):
    for p, s in zip(params, states):
        s[:] += p.grad
        p[:] -= hyperparams['a'] * s


def reader_2(params, states, hyperparams):
    for p, (a, b) in zip(params, states):
        a[:] = hyperparams.get('decay', 0.9) * a + np.square(p.grad)
        b[:] = np.maximum(a, b)
        p[:] -= p.grad / np.sqrt(b)
    hyperparams['t'] += 1


def reader_3(params, states, hyperparams):
    for p, state in zip(params, states):
        state[2][:] = state[0] + state[1] + p.grad
        p[:] -= hyperparams['lr'] * state[2]


def reader_4(params, states, hyperparams):
    for i in range(len(params)):
        a, b, c, d = states[i]
        d[:] = a + b + c + params[i].grad
        params[i][:] -= d


def reader_nd(params, states, hyperparams):
    """From the book's older edition: only `mx.nd` arrays have the method `square`."""
    for p, s in zip(params, states):
        s[:] = 0.9 * s + 0.1 * p.grad.square()
        p[:] -= hyperparams['lr'] * p.grad / (s + 1e-6).sqrt()


READERS = {reader_0: 0, reader_1: 1, reader_2: 2, reader_3: 3, reader_4: 4, reader_nd: 1}


@pytest.mark.parametrize('rule', READERS, ids=lambda rule: rule.__name__)
def test_states_of_a_readers_function_are_found_by_a_dry_run(rule, either_mode):
    params, mode = [np.ones(shape) for shape in SHAPES], (is_np_array(), is_np_shape())
    assert_fresh_zeros(gluon_opt.init_states(rule, params), params, READERS[rule])
    assert (is_np_array(), is_np_shape()) == mode       # the dry run has put it back


def test_states_of_a_registered_rule_are_remembered():
    def silent(params, states, hyperparams):
        """Takes any states, so that a dry run would find 0."""

    gluon_opt.register(silent, name='test_algorithms_silent', states=3)
    for rule_or_name in (silent, 'test_algorithms_silent'):
        assert_fresh_zeros(gluon_opt.init_states(rule_or_name, [np.ones(2)]), [np.ones(2)], 3)


def test_states_may_be_given_as_a_number():
    params = [np.ones(shape) for shape in SHAPES]
    for count in range(5):
        assert_fresh_zeros(gluon_opt.init_states('adam', params, states=count), params, count)
        assert_fresh_zeros(gluon_opt.init_states(reader_2, params, states=count), params, count)


def test_states_may_be_given_as_a_function():
    def ones(params):
        return [np.ones_like(p) for p in params]

    states = gluon_opt.init_states(reader_1, [np.zeros((2, 3))], states=ones)
    assert states[0].shape == (2, 3) and (states[0].asnumpy() == 1).all()
    # a function gets the arrays even if the caller has Gluon's Parameters
    parameter = gluon.Parameter('w', shape=(2, 3))
    parameter.initialize()
    states = gluon_opt.init_states(reader_1, [parameter], states=lambda params: params)
    assert states[0].shape == (2, 3) and isinstance(states[0], nd.NDArray)


@pytest.mark.parametrize('wrong', [-1, 1.5, 1.0, '2', [0, 0], (1,), math.nan, True], ids=repr)
def test_a_wrong_number_of_states_is_refused(wrong):
    for rule_or_name in ('adam', reader_1):
        assert refused(gluon_opt.init_states, rule_or_name, [np.ones(1)], states=wrong) == (
            'states must be the number of arrays a parameter needs, or a function params -> '
            f'states; got {wrong!r}')


def test_a_rule_that_cannot_be_dry_run(either_mode):
    def needs_two_parameters(params, states, hyperparams):
        first, second = params

    def five(params, states, hyperparams):
        for p, (a, b, c, d, e) in zip(params, states):
            p[:] -= a + b + c + d + e

    mode = is_np_array(), is_np_shape()
    for rule in (needs_two_parameters, five):
        message = refused(gluon_opt.init_states, rule, [np.ones(1)])
        assert message.startswith(f'{rule.__name__}: cannot find out its states by a dry run (')
        assert 'values to unpack' in message and 'pass states=' in message
    assert (is_np_array(), is_np_shape()) == mode
    # and the way out that the message names
    assert_fresh_zeros(gluon_opt.init_states(five, [np.ones(3)], states=5), [np.ones(3)], 5)
