"""Claims of the page on stochastic gradient descent."""
import math

import numpy as onp
from mxnet import np

import gluon_opt
from ledger import claim

CURVATURES = onp.array([2.0, 4.0])      # of x1^2 + 2 x2^2
ETA = 0.1


def constant(t):
    return 1


def exponential(t):
    return math.exp(-0.1 * t)


def polynomial(t):
    return (1 + 0.1 * t) ** -0.5


def moments(schedule, steps, bias=0.0):
    """Mean and standard deviation of (x1, x2) at the end, by recursion; t starts at 2."""
    m, V = onp.array([-5.0, -2.0]), onp.zeros(2)
    for t in range(2, steps + 2):
        eta = ETA * schedule(t)
        m = (1 - eta * CURVATURES) * m - eta * bias
        V = (1 - eta * CURVATURES) ** 2 * V + eta ** 2
    return m, onp.sqrt(V)


def walk(schedule, steps, bias=0.0, runs=4000):
    """Where the package's rule `sgd` ends under noise, from many draws: (runs, 2)."""
    rng = onp.random.RandomState(0)
    x = np.array(onp.tile([-5.0, -2.0], (runs, 1)), dtype='float64')
    x.attach_grad()
    for t in range(2, steps + 2):
        gradient = CURVATURES * x.asnumpy() + rng.normal(bias, 1, x.shape)
        x.grad[:] = np.array(gradient, dtype='float64')
        gluon_opt.sgd([x], [()], {'lr': ETA * schedule(t)})
    return x.asnumpy()


def distance(mean, std):
    """The root mean square distance from the minimum."""
    return math.sqrt((mean ** 2 + std ** 2).sum())


def agree(sampled, mean, std):
    """Whether a sample of 4000 has these moments, within five standard errors."""
    return ((abs(sampled.mean(axis=0) - mean) < 0.08 * std).all()
            and (abs(sampled.std(axis=0) / std - 1) < 0.056).all())


def airfoil():
    data = gluon_opt.load_airfoil(offline=True)
    return onp.column_stack([data.features, onp.ones(len(data.features))]), data.labels


@claim('The gradient of an example drawn at random is an unbiased estimate of the full gradient.',
       source='book, Stochastic Gradient Descent')
def unbiased():
    X, y = airfoil()
    x = onp.linspace(-1, 1, 6)
    of_examples = (X @ x - y)[:, None] * X
    losses = [((X @ (x + e) - y) ** 2).mean() / 2 for e in 1e-5 * onp.vstack([onp.eye(6),
                                                                              -onp.eye(6)])]
    full = (onp.array(losses[:6]) - losses[6:]) / 2e-5
    assert abs(of_examples.mean(axis=0) - full).max() < 1e-8
    assert of_examples.std(axis=0).min() > 0.1


@claim('With a constant learning rate the quality of the solution is still not good after 50 '
       'steps, and more steps do not improve it.', source='book, Stochastic Gradient Descent')
def constant_rate():
    mean, std = moments(constant, 50)
    assert agree(walk(constant, 50), mean, std)
    assert abs(mean - [-7e-5, 0]).max() < 5e-6 and abs(std - [1 / 6, 1 / 8]).max() < 1e-5
    assert abs(moments(constant, 1000)[1] - std).max() < 1e-6


@claim(r'The stationary standard deviation is $\sqrt{\eta s^2 / (\lambda (2 - \eta \lambda))}$ '
       r'for curvature $\lambda$ and noise $s$.', source='textbook')
def noise_floor():
    for eta, curvature, s in (0.1, 2, 1), (0.1, 4, 1), (0.5, 1, 3), (1.5, 1, 0.2):
        V = 0
        for _ in range(500):
            V = (1 - eta * curvature) ** 2 * V + eta ** 2 * s ** 2
        assert abs(math.sqrt(V) - math.sqrt(eta * s ** 2 / (curvature * (2 - eta * curvature)))
                   ) < 1e-9


@claim('If the learning rate is too small there is no progress at first, if it is too large the '
       'solution is not good.', source='book, Stochastic Gradient Descent')
def too_small_and_too_large():
    def small(t):
        return 0.02

    assert distance(*moments(small, 50)) > 4 > 0.3 > distance(*moments(constant, 50))
    assert distance(*moments(small, 5000)) < 0.2 * distance(*moments(constant, 5000))


@claim('Exponential decay reduces the variance of the parameters significantly.',
       source='book, Stochastic Gradient Descent')
def exponential_variance():
    mean, std = moments(exponential, 1000)
    assert agree(walk(exponential, 200), mean, std)     # nothing moves after 200 steps
    assert (std < 0.5 * moments(constant, 1000)[1]).all()


@claim('After 1000 steps of exponential decay the walk is still very far from the minimum.',
       source='book, Stochastic Gradient Descent')
def exponential_mean():
    mean, std = moments(exponential, 1000)
    assert abs(mean - [-0.8257, -0.0450]).max() < 5e-5
    assert abs(walk(exponential, 200).mean(axis=0) - mean).max() < 0.006
    assert abs(moments(exponential, 10000)[0] - mean).max() < 1e-12
    assert distance(mean, std) > 3 * distance(*moments(constant, 1000))


@claim('Under exponential decay the algorithm fails to converge at all.',
       source='book, Stochastic Gradient Descent', verdict='only if',
       correction='If to converge means to converge to the minimum. Every run does settle, at a '
       'random point that is not the minimum, because the learning rates have a finite sum.')
def exponential_settles():
    early, late = (walk(exponential, steps, runs=500) for steps in (200, 300))
    assert abs(early - late).max() < 1e-6           # the same draws at first
    assert (late[:, 0] < -0.4).all()
    total = sum(ETA * exponential(t) for t in range(2, 1000))
    assert abs(total - ETA * math.exp(-0.2) / (1 - math.exp(-0.1))) < 1e-9


@claim(r'Under polynomial decay with exponent 0.5 the walk is closer to the minimum after only 50 '
       r'steps.', source='book, Stochastic Gradient Descent')
def polynomial_decay():
    mean, std = moments(polynomial, 50)
    assert agree(walk(polynomial, 50), mean, std)
    assert abs(mean - [-0.0124, 0]).max() < 5e-5
    assert distance(mean, std) < distance(*moments(constant, 50))
    assert distance(mean, std) < distance(*moments(exponential, 1000))


@claim('Polynomial decay with exponent 0.5 is well behaved in the convex case.',
       source='book, Stochastic Gradient Descent')
def polynomial_bound():
    t = onp.arange(1, 1000001)

    def bound(rates):
        """(r^2 + L^2 sum eta^2) / (2 sum eta), with r = L = 1."""
        return (1 + onp.cumsum(rates ** 2)) / (2 * onp.cumsum(rates))

    shrinking = bound(0.1 * (1 + 0.1 * t) ** -0.5)
    assert shrinking[-1] < 0.02 and shrinking[-1] < shrinking[9999] / 5
    assert bound(0.1 * onp.exp(-0.1 * t))[-1] > 0.5


@claim('The noise of the two-dimensional example has mean 0 and variance 1.',
       source='first Chinese edition, Gradient Descent and SGD', verdict='false',
       correction=r'Its code calls `np.random.normal(0.1)`, whose first argument is the mean. The '
       r'noise has mean 0.1, and the walk settles around $(-0.05, -0.025)$.')
def noise_with_a_mean():
    assert abs(onp.random.RandomState(0).normal(0.1, size=100000).mean() - 0.1) < 0.02
    mean, std = moments(constant, 200, bias=0.1)
    assert abs(mean - [-0.05, -0.025]).max() < 1e-9
    sampled = walk(constant, 100, bias=0.1)
    assert agree(sampled, mean, std) and not agree(sampled, 0 * mean, std)


@claim(r'A step reduces the squared distance from the minimum by at least $2 \eta (f(\xi, x) - '
       r'f(\xi, x^*)) - \eta^2 L^2$ when all $f(\xi, \cdot)$ are convex with gradients of length '
       r'at most $L$.', source='book, Stochastic Gradient Descent')
def progress_of_a_step():
    rng = onp.random.RandomState(0)
    x, xi, eta = rng.normal(0, 3, 10000), rng.randint(-1, 2, 10000), rng.uniform(0, 2, 10000)
    x_next = x - eta * onp.sign(x - xi)             # f = |x - xi|, L = 1, minimum at 0
    least = 2 * eta * (abs(x - xi) - abs(xi)) - eta ** 2
    assert (x ** 2 - x_next ** 2 >= least - 1e-12).all()


@claim('As the difference of the losses converges to zero, the learning rate has to vanish too.',
       source='book, Stochastic Gradient Descent', verdict='only if',
       correction='If the gradients of the single examples differ at the minimum. Where all '
       'examples share a minimum, as in a model that fits its data exactly, the noise vanishes '
       'there and a constant learning rate converges.')
def learning_rate_has_to_vanish():
    X, y = airfoil()
    w = onp.linspace(-1, 1, 6)
    order = onp.random.RandomState(0).randint(len(X), size=20000)
    ends = {}
    for name, labels in ('exact', X @ w), ('noisy', y):
        x = onp.zeros(6)
        for i in order:
            x = x - 0.02 * (X[i] @ x - labels[i]) * X[i]
        optimum = onp.linalg.lstsq(X, labels, rcond=None)[0]
        ends[name] = onp.linalg.norm(x - optimum)
    assert ends['exact'] < 1e-9 and ends['noisy'] > 1e-2


def excess(x):
    """E|x - xi| above its minimum, xi one of -1, 0, 1."""
    return sum(abs(x - xi) for xi in (-1, 0, 1)) / 3 - 2 / 3


@claim(r'The averaged point satisfies $\mathbb{E} R(\bar{x}) - R^* \leq (r^2 + L^2 \sum \eta_t^2) '
       r'/ (2 \sum \eta_t)$.', source='book, Stochastic Gradient Descent')
def bound_of_the_average():
    T, r = 1000, 5.0
    t = onp.arange(1, T + 1)
    for rates in onp.full(T, 0.01), onp.full(T, 0.5), 2 / onp.sqrt(t), 0.9 ** t:
        rng = onp.random.RandomState(0)
        x, total = onp.full(200, r), 0
        for eta, xi in zip(rates, rng.randint(-1, 2, (T, 200))):
            total = total + eta * x
            x = x - eta * onp.sign(x - xi)
        bound = (r ** 2 + (rates ** 2).sum()) / (2 * rates.sum())
        assert excess(total / rates.sum()).mean() <= bound


@claim(r'With $\eta = r / (L \sqrt{T})$ the bound is $r L / \sqrt{T}$.',
       source='book, Stochastic Gradient Descent')
def best_constant_rate():
    r, L, T = 5.0, 2.0, 400
    rates = onp.geomspace(1e-3, 10, 2001)
    bounds = (r ** 2 + L ** 2 * T * rates ** 2) / (2 * T * rates)
    eta = r / (L * math.sqrt(T))
    assert abs((r ** 2 + L ** 2 * T * eta ** 2) / (2 * T * eta) - r * L / math.sqrt(T)) < 1e-12
    assert bounds.min() >= r * L / math.sqrt(T) - 1e-12


@claim(r'In $n$ draws with replacement an example is chosen at least once with probability about '
       r'$1 - e^{-1} = 0.632$.', source='book, Stochastic Gradient Descent')
def at_least_once():
    assert abs(1 - (1 - 1 / 1500) ** 1500 - 0.632) < 5e-4
    draws = onp.random.RandomState(0).randint(1500, size=(200, 1500))
    share = onp.mean([len(set(row)) / 1500 for row in draws])
    assert abs(share - 0.632) < 2e-3        # the standard error is about 6e-4


@claim(r'In $n$ draws with replacement an example is chosen exactly once with probability '
       r'$\binom{n}{1} \frac{1}{n} (1 - \frac{1}{n})^{n-1}$, about $e^{-1} = 0.368$.',
       source='book, Stochastic Gradient Descent')
def exactly_once():
    exact = math.comb(1500, 1) / 1500 * (1 - 1 / 1500) ** 1499
    assert abs(exact - 0.368) < 5e-4
    assert abs(exact - 1500 / 1499 * (1 - 1 / 1500) ** 1500) < 1e-12
    draws = onp.random.RandomState(0).randint(1500, size=(200, 1500))
    share = onp.mean([(onp.bincount(row) == 1).sum() / 1500 for row in draws])
    assert abs(share - 0.368) < 4e-3        # the standard error is about 9e-4


@claim('Sampling with replacement has more variance and uses the data less efficiently than '
       'sampling without.', source='book, Stochastic Gradient Descent')
def with_replacement():
    w = onp.random.RandomState(0).normal(size=300)
    rng = onp.random.RandomState(1)
    ends = {'with': [], 'without': []}
    for _ in range(200):
        for name, order in (('with', rng.randint(300, size=300)),
                            ('without', rng.permutation(300))):
            x = 0.0
            for t, i in enumerate(order, 1):
                x -= (x - w[i]) / t         # SGD on (x - w_i)^2 / 2
            ends[name].append(x - w.mean())
    assert abs(onp.std(ends['with']) / (w.std() / math.sqrt(300)) - 1) < 0.25
    assert onp.std(ends['without']) < 1e-12


@claim(r'Adding normal noise to the gradient of $x_1^2 + 2 x_2^2$ is the same as minimising '
       r'$(x_1 - w_1)^2 + 2 (x_2 - w_2)^2$ with $\mathbf{w}$ from a normal distribution.',
       source='book, Stochastic Gradient Descent, exercises')
def noise_as_examples():
    rng = onp.random.RandomState(0)
    x = onp.array([-5.0, -2.0])
    noise = rng.normal(size=(200000, 2))
    w = -noise / CURVATURES
    assert onp.allclose(CURVATURES * (x - w), CURVATURES * x + noise)
    assert abs(w.std(axis=0) - [1 / 2, 1 / 4]).max() < 0.005
    risk = ((x - w) ** 2 * [1, 2]).sum(axis=1).mean()
    assert abs(risk - (5 ** 2 + 2 * 2 ** 2 + 3 / 8)) < 0.1      # the constant 3/8 more


@claim('In nonconvex problems the number of local minima that have to be looked at may be '
       'exponential.', source='book, Stochastic Gradient Descent')
def exponentially_many_minima():
    x = onp.linspace(-12, 12, 241)
    f = x ** 2 / 50 + onp.sin(2 * x)

    def minima(values):
        inner = values[(slice(1, -1),) * values.ndim]
        least = onp.ones(inner.shape, bool)
        for axis in range(values.ndim):
            for shift in slice(None, -2), slice(2, None):
                where = [slice(1, -1)] * values.ndim
                where[axis] = shift
                least &= inner < values[tuple(where)]
        return least.sum()

    one = minima(f)
    assert one > 4
    assert minima(f[:, None] + f) == one ** 2           # f(x1) + f(x2)
    assert minima(f[::2, None, None] + f[::2, None] + f[::2]) == minima(f[::2]) ** 3
