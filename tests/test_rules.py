"""Every rule against its float64 reference, against its relatives, and on known functions."""
import numpy as onp
import pytest
import reference
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from mxnet import nd, np
from recipes import PROBLEMS, RECIPES, Model

import gluon_opt
from gluon_opt.algorithms._algorithm import BOUNDS, Whole

SHAPES = [(2, 1, 3), (4,)]

every_recipe = pytest.mark.parametrize('recipe', RECIPES, ids=lambda recipe: recipe.id)
rules = gluon_opt.algorithms()


@pytest.fixture(params=[7], ids='seed{}'.format)
def rng(request):
    return onp.random.default_rng(request.param)


def at(hyperparams, t):
    """The hyperparameters as they are before step t."""
    return {**hyperparams, 't': t} if 't' in hyperparams else hyperparams


def normal(rng, dtype='float32'):
    """Signed values of every shape, such as float32 can hold."""
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def mid_run_states(recipe, rng, dtype='float32'):
    return [tuple(s.astype(dtype) for s in recipe.random_states(rng, shape)) for shape in SHAPES]


def zero_states(recipe, shapes):
    return [tuple(onp.zeros(shape) for _ in recipe.states) for shape in shapes]


def both_sets(recipe):
    """The two sets of hyperparameters: what a caller passes, and what the reference needs."""
    return [(recipe.chosen, recipe.defaults), (recipe.other, recipe.other)]


def relative_difference(actual, expected):
    """The largest difference in a list of arrays, by the largest number expected."""
    difference = max(onp.abs(a - e).max() for a, e in zip(actual, expected))
    return difference / max(onp.abs(e).max() for e in expected)


# --- the tables -----------------------------------------------------------------------------

def test_every_algorithm_has_a_row():
    assert {r.name for r in RECIPES if r.form == 'book'} == set(rules)


def test_every_rule_of_gluons_own_has_a_row():
    of_its_own = {name for name, a in rules.items() if a.matched_rule is not a.rule}
    assert {r.name for r in RECIPES if r.form == 'gluon'} == of_its_own


@pytest.mark.parametrize('name', PROBLEMS)
def test_gradient_of_problem_is_right_and_vanishes_at_its_minimum(name):
    problem, h = PROBLEMS[name], 1e-6
    x, y = problem.start
    slopes = [(problem.function(x + h, y) - problem.function(x - h, y)) / (2 * h),
              (problem.function(x, y + h) - problem.function(x, y - h)) / (2 * h)]
    onp.testing.assert_allclose(problem.gradient(x, y), slopes, rtol=1e-6, atol=1e-6)
    assert tuple(problem.gradient(*problem.minimum)) == (0, 0)


# --- against the reference ------------------------------------------------------------------

@every_recipe
@pytest.mark.parametrize('dtype', ['float32', 'float64'])
@pytest.mark.parametrize('which', [0, 1], ids=['book values', 'other values'])
def test_one_step_in_mid_run(recipe, dtype, which, rng):
    given_hp, full_hp = both_sets(recipe)[which]
    points, gradients = normal(rng), normal(rng)
    starts = mid_run_states(recipe, rng)
    model = Model(recipe.rule, points, starts, at(given_hp, 10), dtype=dtype)
    model.step(gradients)
    path, states = reference.run(recipe.step, points, starts, lambda k, _: gradients,
                                 at(full_hp, 10), 1)
    # the longest rule rounds 14 times; all numbers here are of the size of 1
    rounding = 16 * onp.finfo(dtype).eps
    assert relative_difference(model.points, path[1]) < rounding
    if recipe.states:
        expected = [s for arrays_ in states for s in arrays_]
        assert relative_difference(model.state_arrays, expected) < rounding
    assert {a.dtype for a in model.points + model.state_arrays} == {onp.dtype(dtype)}


def least_squares(rng, batch_size=10, examples=200):
    """`gradient(k, points)` of a linear model with noise, on the k-th batch; float32 values."""
    sizes = [onp.prod(shape) for shape in SHAPES]
    features = rng.normal(size=(examples, sum(sizes)))
    labels = features @ rng.normal(size=sum(sizes)) + rng.normal(size=examples)

    def gradient(k, points):
        rows = onp.arange(k * batch_size, (k + 1) * batch_size) % examples
        X, w = features[rows], onp.concatenate([p.ravel() for p in points])
        flat = X.T @ (X @ w - labels[rows]) / batch_size
        parts = onp.split(flat, onp.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, SHAPES)]

    return gradient


@every_recipe
@pytest.mark.parametrize('which', [0, 1], ids=['book values from zero', 'other values, mid-run'])
def test_300_float32_steps(recipe, which, rng):
    steps, t = 300, (1, 10)[which]
    given_hp, full_hp = both_sets(recipe)[which]
    points, gradient = normal(rng), least_squares(rng)
    starts = mid_run_states(recipe, rng) if which else zero_states(recipe, SHAPES)
    path, _ = reference.run(recipe.step, points, starts, gradient, at(full_hp, t), steps)
    model = Model(recipe.rule, points, starts, at(given_hp, t))
    differences = []
    for k in range(steps):
        model.step(gradient(k, model.points))
        differences.append(relative_difference(model.points, path[k + 1]))
    # the promise of the project; each step rounds by 6e-8, and a noisy bowl forgets old rounding
    assert max(differences) < 1e-5
    assert relative_difference(path[0], path[-1]) > 0.01      # they did go somewhere


@every_recipe
def test_every_hyperparameter_can_be_given_and_acts_as_in_the_reference(recipe, rng):
    points, gradients = normal(rng), normal(rng)
    starts = mid_run_states(recipe, rng)

    def displacement(hp):
        model = Model(recipe.rule, points, starts, hp, dtype='float64')
        model.step(gradients)
        model.step(gradients)           # some act on a state first, and then on the next step
        path, _ = reference.run(recipe.step, points, starts, lambda k, _: gradients, hp, 2)
        assert relative_difference(model.points, path[2]) < 1e-14
        return [after - before for after, before in zip(model.points, points)]

    usual = at(recipe.defaults, 10)
    before = displacement(usual)
    for key, value in at(recipe.other, 20).items():
        after = displacement({**usual, key: value})
        # far above what rounding could do, and above what the smallest eps does
        assert relative_difference(after, before) > 1e-4, key


def from_bounds(key):
    """Values of a hyperparameter inside its bounds, where float64 can still tell them apart.

    Nothing but 0 itself is below 1e-12 (MXNet takes no scalar near 1e-308), nothing is above 100,
    and what has to stay under 1 stays under 0.9999: 1 - beta then keeps 12 digits.
    """
    if key == 'm_schedule':     # what Gluon's nadam carries along: a product of beta1's
        return st.floats(1e-12, 0.9999)
    bounds = BOUNDS[key]
    if isinstance(bounds, Whole):
        return st.integers(bounds.low, 500)
    high = min(bounds.high, 100) if bounds.high in bounds else min(0.9999 * bounds.high, 100)
    inside = st.floats(max(bounds.low, 1e-12), high)
    return st.just(bounds.low) | inside if bounds.low in bounds else inside


def numbers(shape, low=-100):
    return arrays('float64', shape, elements=st.floats(low, 100))


@every_recipe
@settings(deadline=None, max_examples=20, database=None)
@seed(7)
@given(data=st.data())
def test_any_shape_gradient_and_hyperparameters(recipe, data):
    note('seed 7')
    shapes = data.draw(st.lists(array_shapes(max_dims=3, max_side=3), min_size=1, max_size=3))
    hp = {key: data.draw(from_bounds(key), key) for key in recipe.defaults}
    points = [data.draw(numbers(shape)) for shape in shapes]
    starts = [tuple(data.draw(numbers(shape, low=0 if letter in ('s', 'delta') else -100))
                    for letter in recipe.states) for shape in shapes]
    gradients = [[data.draw(numbers(shape)) for shape in shapes] for _ in range(2)]
    model = Model(recipe.rule, points, starts, hp, dtype='float64')
    for g in gradients:
        model.step(g)
    path, states = reference.run(recipe.step, points, starts, lambda k, _: gradients[k], hp, 2)
    # 12 digits of 1 - beta remain, and two may go in sums; lr * 100 because a velocity may cancel
    sizes = [onp.abs(x).max() for x in path[0] + path[1] + path[2]]
    tolerance = 1e-10 * max(*sizes, 100 * hp.get('lr', 0))
    for actual, expected in zip(model.points, path[2]):
        onp.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)
    flat = [s for arrays_ in states for s in arrays_]
    for actual, expected in zip(model.state_arrays, flat):
        onp.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)


@every_recipe
@pytest.mark.parametrize('size', [1e-20, 1e-3, 1e18])       # of 1e20 float32 has no square
def test_tiny_and_huge_gradients(recipe, size):
    points = [onp.zeros(4)]                                  # at 0 the smallest step shows
    pattern = onp.float32([1, -1, -0.5, 0]) * onp.float32(size)
    gradients = [pattern, -pattern[::-1], pattern / 2]
    starts = zero_states(recipe, [4])
    model = Model(recipe.rule, points, starts, recipe.chosen)
    path, _ = reference.run(recipe.step, points, starts, lambda k, _: [gradients[k]],
                            recipe.defaults, len(gradients))
    for k, g in enumerate(gradients):
        model.step([g])
        assert onp.isfinite(model.points[0]).all()
        assert relative_difference(model.points, path[k + 1]) < 3e-6     # 16 roundings, 3 steps


@every_recipe
def test_zero_gradient_moves_nothing_from_rest(recipe, rng):
    points = normal(rng)
    without_decay = {**recipe.chosen, **({'wd': 0} if 'wd' in recipe.constants else {})}
    model = Model(recipe.rule, points, zero_states(recipe, SHAPES), without_decay)
    for _ in range(3):
        model.step([onp.zeros(shape) for shape in SHAPES])
    for after, before in zip(model.points, points):
        onp.testing.assert_array_equal(after, before)
    if recipe.name != 'adabelief':      # it adds eps to s
        assert all((s == 0).all() for s in model.state_arrays)


# --- in place -------------------------------------------------------------------------------

@every_recipe
def test_works_in_place_and_leaves_the_gradient_alone(recipe, rng):
    model = Model(recipe.rule, normal(rng), mid_run_states(recipe, rng), at(recipe.chosen, 10))
    params, states = list(model.params), list(model.states)
    buffers, gradients = [p.grad for p in params], normal(rng)
    before = model.points + model.state_arrays
    model.step(gradients)
    assert all(now is then for now, then in zip(model.params, params))
    assert all(now is then for now, then in zip(model.states, states))
    for p, buffer, g in zip(params, buffers, gradients):
        onp.testing.assert_array_equal(p.grad.asnumpy(), g)
        onp.testing.assert_array_equal(buffer.asnumpy(), g)
    for array, old in zip(model.points + model.state_arrays, before):
        # the very arrays we hold have changed, but for elements of a running maximum
        assert (array != old).any() if recipe.name == 'amsgrad' else (array != old).all()


@every_recipe
@pytest.mark.parametrize('parameters', [1, 2])
def test_t_counts_calls_not_parameters(recipe, parameters, rng):
    given_hp = at(recipe.chosen, 10)
    model = Model(recipe.rule, normal(rng)[:parameters],
                  mid_run_states(recipe, rng)[:parameters], given_hp)
    for _ in range(2):
        model.step(normal(rng)[:parameters])
    after = dict(model.hyperparams)
    after.pop('m_schedule', None)           # Gluon's nadam keeps its product there
    assert after == at(given_hp, 12)


def test_sgd_asks_for_no_states(rng):
    points, gradients = normal(rng, 'float64'), normal(rng, 'float64')
    model = Model(gluon_opt.sgd, points, [()] * len(SHAPES), {'lr': 0.5}, dtype='float64')
    model.states = None                     # what the book passes
    model.step(gradients)
    for after, before, g in zip(model.points, points, gradients):
        onp.testing.assert_array_equal(after, before - 0.5 * g)


# --- modes and kinds of array ---------------------------------------------------------------

@every_recipe
def test_either_mode_of_mxnet_gives_the_same(recipe, either_mode, rng):
    points, gradients = normal(rng), normal(rng)
    starts = mid_run_states(recipe, rng)
    model = Model(recipe.rule, points, starts, at(recipe.other, 10))
    model.step(gradients)
    path, _ = reference.run(recipe.step, points, starts, lambda k, _: gradients,
                            at(recipe.other, 10), 1)
    assert relative_difference(model.points, path[1]) < 16 * onp.finfo('float32').eps
    assert {type(p) for p in model.params} == {np.ndarray}


@every_recipe
def test_nd_arrays_where_no_function_of_numpy_is_used(recipe, either_mode, rng):
    points, gradients = normal(rng), normal(rng)
    starts = mid_run_states(recipe, rng)
    model = Model(recipe.rule, points, starts, at(recipe.other, 10), kind=nd.NDArray)
    if not recipe.nd:
        with pytest.raises(TypeError, match='can only accept MXNet numpy ndarrays'):
            model.step(gradients)
        return
    model.step(gradients)
    path, _ = reference.run(recipe.step, points, starts, lambda k, _: gradients,
                            at(recipe.other, 10), 1)
    assert relative_difference(model.points, path[1]) < 16 * onp.finfo('float32').eps
    assert {type(p) for p in model.params} == {nd.NDArray}


# --- one algorithm becomes another ----------------------------------------------------------

X = onp.array([1.0, -2.0, 0.5, 3.0])
G = onp.array([0.3, -4.0, 2.0, -0.05])


def rows_of(name, hp, gradients, starts=None, x=X):
    """The points of a rule of ours, one row a step, in float64; and the model they leave."""
    if starts is None:
        starts = [onp.zeros(4)] * rules[name].states
    model = Model(rules[name].rule, [x], [tuple(starts)], hp, dtype='float64')
    rows = []
    for g in gradients:
        model.step([g(model.points[0]) if callable(g) else g])
        rows.append(model.points[0].copy())
    return onp.array(rows), model


def assert_same(actual, expected):
    onp.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-15)   # float64 rounding


SIGNED = [G, -G[::-1], 2 * G, G ** 3, -G]


@pytest.mark.parametrize('name', ['sgd_momentum', 'nag'])
def test_without_momentum_it_is_sgd(name):
    path, _ = rows_of(name, {'lr': 0.1, 'momentum': 0}, SIGNED)
    assert_same(path, rows_of('sgd', {'lr': 0.1}, SIGNED)[0])


def test_rmsprop_with_gamma_0_goes_by_the_sign():
    path, _ = rows_of('rmsprop', {'lr': 0.1, 'gamma': 0, 'eps': 1e-30}, SIGNED)
    assert_same(path, X - 0.1 * onp.cumsum(onp.sign(SIGNED), axis=0))


def test_rmsprop_with_gamma_1_has_the_constant_rate_lr_by_root_eps():
    path, model = rows_of('rmsprop', {'lr': 0.1, 'gamma': 1, 'eps': 0.04}, SIGNED)
    assert_same(path, rows_of('sgd', {'lr': 0.1 / 0.2}, SIGNED)[0])
    assert (model.state_arrays[0] == 0).all()


def test_rmsprop_with_equal_weights_is_adagrad():
    """s = gamma s + (1 - gamma) g^2 with gamma = 1 - 1/k is the mean of k squares, AdaGrad's sum
    by k; so the rate lr / sqrt(k) makes the two the same."""
    adagrad, _ = rows_of('adagrad', {'lr': 0.1, 'eps': 1e-30}, SIGNED)
    x, s = X, onp.zeros(4)
    for k, g in enumerate(SIGNED, start=1):
        hp = {'lr': 0.1 / k ** 0.5, 'gamma': 1 - 1 / k, 'eps': 1e-30}
        path, model = rows_of('rmsprop', hp, [g], [s], x)
        x, s = path[0], model.state_arrays[0]
        assert_same(x, adagrad[k - 1])


def test_adam_without_momentum_is_debiased_rms():
    beta2, eps = 0.99, 1e-3
    path, adam = rows_of('adam', {'lr': 0.1, 't': 1, 'beta1': 0, 'beta2': beta2, 'eps': eps},
                         SIGNED)
    _, rms = rows_of('rmsprop', {'lr': 0.1, 'gamma': beta2}, SIGNED)
    s = rms.state_arrays[0]
    assert_same(adam.state_arrays[1], s)
    debiased = onp.sqrt(s / (1 - beta2 ** len(SIGNED)))
    assert_same(path[-1], path[-2] - 0.1 * SIGNED[-1] / (debiased + eps))


def test_first_step_of_adam_is_lr_by_the_sign():
    path, _ = rows_of('adam', {'lr': 0.1, 't': 1, 'eps': 1e-30}, [G])
    assert_same(path[0], X - 0.1 * onp.sign(G))


def test_moments_of_a_constant_gradient():
    """The book's example: after 1 step v is a tenth of the gradient, after 10 it is 65 %."""
    hp = {'lr': 0.1, 't': 1}
    assert_same(rows_of('adam', hp, [G])[1].state_arrays[0], 0.1 * G)
    v, s = rows_of('adam', hp, [G] * 10)[1].state_arrays
    onp.testing.assert_allclose(v, 0.6513 * G, rtol=1e-4)
    assert_same(s, (1 - 0.999 ** 10) * G ** 2)


@pytest.mark.parametrize('name', ['adam', 'nadam'])
def test_bias_correction_undoes_a_constant_gradient(name):
    """v_hat = g and s_hat = g^2 in every step, so every step is the same."""
    path, _ = rows_of(name, {'lr': 0.1, 't': 1, 'eps': 1e-30}, [G] * 30)
    steps = onp.diff(path, axis=0, prepend=[X])
    expected = onp.broadcast_to(-0.1 * onp.sign(G), steps.shape)
    if name == 'nadam':     # all but the newest gradient are weighted by beta1 once more
        newest = onp.array([0.1 / (1 - 0.9 ** t) for t in range(1, 31)])[:, None]
        expected = expected * (0.9 + newest)
    onp.testing.assert_allclose(steps, expected, rtol=1e-11)    # x up to 6, steps of 0.1


def test_first_step_of_yogi_is_that_of_adam_with_its_eps():
    hp = {'lr': 0.1, 't': 1, 'eps': 1e-3}
    (yogi, y), (adam, a) = rows_of('yogi', hp, [G]), rows_of('adam', hp, [G])
    assert_same(yogi, adam)
    assert_same(y.state_arrays, a.state_arrays)
    # and only the first: the second moments part at the second step
    assert abs(rows_of('yogi', hp, [G, G])[0][1] - rows_of('adam', hp, [G, G])[0][1]).max() > 1e-6


def test_yogi_changes_s_by_no_more_than_its_share_of_the_new_square():
    for s, direction in ((G ** 2 / 4, 1), (G ** 2, 0), (4 * G ** 2, -1)):
        _, model = rows_of('yogi', {'lr': 0.1, 't': 10, 'beta2': 0.9}, [G], [onp.zeros(4), s])
        assert_same(model.state_arrays[1], s + direction * 0.1 * G ** 2)


def test_nadam_without_momentum_is_adam_without_momentum():
    hp = {'lr': 0.1, 't': 1, 'beta1': 0}
    assert_same(rows_of('nadam', hp, SIGNED)[0], rows_of('adam', hp, SIGNED)[0])


def test_nadam_is_adam_whose_momentum_is_one_step_ahead():
    """nadam's numerator beta1 v + (1 - beta1) g is adam's next v if the gradient repeats."""
    hp, start = {'lr': 0.1, 't': 10, 'beta2': 0}, [G[::-1], onp.zeros(4)]
    nadam, _ = rows_of('nadam', hp, [G], start)
    _, twice = rows_of('adam', hp, [G, G], start)
    v = twice.state_arrays[0]
    assert_same(nadam[0], X - 0.1 * v / (1 - 0.9 ** 10) / (abs(G) + 1e-6))


def test_nadam_with_a_schedule_of_no_effect_is_dozats_constant_form():
    """With 0.96^(t decay) gone, Gluon's beta1 is constant and its product is beta1^t."""
    hp = {'lr': 0.1, 't': 1, 'eps': 1e-30, 'schedule_decay': 1e6}
    model = Model(gluon_opt.gluon_form('nadam'), [X], [(onp.zeros(4),) * 2], hp, dtype='float64')
    model.step([G])
    # 0.9 v / (1 - 0.9^2) + 0.1 g / (1 - 0.9), with v = 0.1 g and the root of s_hat = |g|
    assert_same(model.points[0], X - 0.1 * (0.9 * 0.1 / (1 - 0.9 ** 2) + 1) * onp.sign(G))


def test_first_step_of_adadelta():
    rho, eps = 0.8, 1e-4
    path, model = rows_of('adadelta', {'rho': rho, 'eps': eps}, [G])
    step = onp.sqrt(eps / ((1 - rho) * G ** 2 + eps)) * G
    assert_same(path[0], X - step)
    assert_same(model.state_arrays, [(1 - rho) * G ** 2, (1 - rho) * step ** 2])


def test_nag_is_the_look_ahead_form_in_another_variable():
    hp, velocity = {'lr': 0.05, 'momentum': 0.8}, G / 2
    curvature = onp.array([1.0, 3.0, 0.2, 7.0])

    def gradient(k, x):
        return curvature * x + 0.1 * x ** 3 + onp.cos(k)

    _, ahead = reference.nag_look_ahead(X, velocity, gradient, hp, 20)
    by_step = [lambda x, k=k: gradient(k, x) for k in range(20)]
    path, _ = rows_of('nag', hp, by_step, [velocity], X - 0.05 * 0.8 * velocity)
    assert_same(path, ahead[1:])


@pytest.mark.parametrize('curvature', [0.5, 4, 10])
def test_nag_on_a_quadratic_is_momentum_times_1_minus_lr_curvature(curvature):
    """In each eigendirection, in the unshifted variable x = p + lr momentum v."""
    lr, momentum = 0.08, 0.9
    p, v, x = X, onp.zeros(4), X
    ball, _ = rows_of('sgd_momentum', {'lr': lr, 'momentum': momentum * (1 - lr * curvature)},
                      [lambda x: curvature * x] * 20)
    for k in range(20):
        path, model = rows_of('nag', {'lr': lr, 'momentum': momentum}, [curvature * p], [v], p)
        p, v = path[0], model.state_arrays[0]
        x = p + lr * momentum * v
        assert_same(x, ball[k])


# --- known minima ---------------------------------------------------------------------------

@pytest.mark.parametrize(
    'recipe, problem', [(recipe, problem) for recipe in RECIPES for problem in recipe.converges],
    ids=lambda value: getattr(value, 'id', value))
def test_finds_the_minimum(recipe, problem):
    _, gradient, start, minimum, _ = PROBLEMS[problem]
    hp, steps = recipe.converges[problem]
    model = Model(recipe.rule, [start], zero_states(recipe, [2]), hp)
    assert abs(onp.subtract(start, minimum)).max() > 0.9
    for _ in range(steps):
        model.step([gradient(*model.points[0].astype('float64'))])
    assert abs(model.points[0] - minimum).max() < 0.01


@every_recipe
def test_every_row_has_two_problems_at_least(recipe):
    assert len(recipe.converges) >= 2 and set(recipe.converges) <= set(PROBLEMS)
