"""Claims of the page on optimization and deep learning."""
from itertools import permutations, product

import numpy as onp
from mxnet import np

import gluon_opt
from ledger import claim

BOOK = 'book, Optimization and Deep Learning'


def f(x):
    return x * onp.cos(onp.pi * x)


def g(x):
    return f(x) + 0.2 * onp.cos(5 * onp.pi * x)


def walk(rule, slope, start, steps, **hyperparams):
    """The points of a rule of ours on a function of one variable with this derivative."""
    x = np.array([float(start)], dtype='float64')
    x.attach_grad()
    states = gluon_opt.init_states(rule, [x])
    if rule is gluon_opt.adam:
        hyperparams['t'] = 1
    path = [float(start)]
    for _ in range(steps):
        x.grad[:] = slope(path[-1])
        rule([x], states, hyperparams)
        path.append(float(x[0]))
    return onp.array(path)


def gaussian_eigenvalues(k, draws=100_000):
    """Of symmetric matrices with normal entries, of variance 2 on the diagonal and 1 elsewhere."""
    a = onp.random.RandomState(k).randn(draws, k, k)
    return onp.linalg.eigvalsh((a + a.transpose(0, 2, 1)) / onp.sqrt(2))


@claim('Maximizing an objective is minimizing it with the sign flipped.', source=BOOK)
def maximization_is_minimization():
    x = onp.linspace(-1, 2, 30_001)
    assert f(x).argmax() == (-f(x)).argmin()


@claim('The minimum of the training error need not be where the expected error is smallest: on '
       r'$[0.5, 1.5]$ the risk $f = x \cos(\pi x)$ is smallest at 1.0904, the empirical risk '
       r'$g = f + 0.2 \cos(5 \pi x)$ at 1.0170.', source=BOOK)
def two_minima_of_risk():
    x = onp.linspace(0.5, 1.5, 100_001)
    assert abs(x[f(x).argmin()] - 1.0904) < 5e-5
    assert abs(x[g(x).argmin()] - 1.0170) < 5e-5
    assert abs(g(x).min() - -1.2085) < 5e-5
    assert f(1.0170) > f(1.0904) + 0.03     # what taking the one for the other costs


@claim('The empirical risk $g$ is less smooth than the risk $f$.', source=BOOK)
def empirical_risk_is_less_smooth():
    x = onp.linspace(0.5, 1.5, 1001)
    bends = [abs(onp.diff(risk(x), 2)).max() / (x[1] - x[0]) ** 2 for risk in (f, g)]
    assert bends[1] > 3 * bends[0]


@claim('Optimization and learning have different goals: the linear model that is best for 20 of '
       'the airfoil rows has a smaller loss on these, and a larger one on all 1500, than the model '
       'that is best for all.', source=BOOK)
def goals_differ():
    data = gluon_opt.load_airfoil()
    X, y = onp.c_[data.features, onp.ones(1500)], data.labels

    def best(rows):
        return onp.linalg.lstsq(X[rows], y[rows], rcond=None)[0]

    def loss(w, rows):
        return ((X[rows] @ w - y[rows]) ** 2 / 2).mean()

    everything, random = onp.arange(1500), onp.random.RandomState(0)
    for _ in range(20):
        rows = random.permutation(1500)[:20]
        assert loss(best(rows), rows) < loss(best(everything), rows)
        assert loss(best(rows), everything) > loss(best(everything), everything)


@claim(r'On $[-1, 2]$ the function $x \cos(\pi x)$ has a local minimum, $-0.1786$ at $-0.2739$, '
       'and its global minimum, $-1.0467$ at $1.0904$.', source=BOOK)
def local_and_global_minimum():
    x = onp.linspace(-1, 2, 300_001)
    y = f(x)
    minima = onp.flatnonzero((y[1:-1] < y[:-2]) & (y[1:-1] < y[2:])) + 1
    assert onp.allclose(x[minima], [-0.2739, 1.0904], atol=5e-5)
    assert onp.allclose(y[minima], [-0.1786, -1.0467], atol=5e-5)
    assert y.min() == y[minima[1]]


@claim('Near a local optimum the gradient is nearly zero, so the last iterate may be a minimum '
       'locally and not globally.', source=BOOK)
def descent_ends_in_the_minimum_of_its_valley():
    def slope(x):
        return onp.cos(onp.pi * x) - onp.pi * x * onp.sin(onp.pi * x)

    for start, end in ((-0.9, -0.27385), (0.2, -0.27385), (0.3, 1.09041), (1.9, 1.09041)):
        assert abs(walk(gluon_opt.sgd, slope, start, 60, lr=0.05)[-1] - end) < 1e-4


@claim('The noise of minibatch gradients can knock the parameters out of a local minimum.',
       source=BOOK, verdict='only if',
       correction='Only if the noise is strong enough for the depth of the minimum. With learning '
                  r'rate 0.05 noise of standard deviation 1 lets nobody out of $x \cos(\pi x)$ in '
                  '200 steps, 3 brings four of five to the better valley, and 10 throws everybody '
                  'about.')
def noise_leaves_a_local_minimum():
    noise = onp.array([[1.0], [3.0], [10.0]])
    x = np.full((3, 1000), -0.27385)
    x.attach_grad()
    random = onp.random.RandomState(1)
    for _ in range(200):
        slope = np.cos(np.pi * x) - np.pi * x * np.sin(np.pi * x)
        x.grad[:] = slope + np.array(noise * random.randn(3, 1000))
        gluon_opt.sgd([x], None, {'lr': 0.05})
        x[:] = np.clip(x, -1, 2)
    little, right, much = (x.asnumpy() > 0.27385).mean(axis=1)
    assert little < 0.01 and right > 0.75 and 0.5 < much < 0.68     # 0.58 of [-1, 2] is right


@claim('A saddle point is any place where the gradient vanishes but which is neither a global nor '
       'a local minimum.', source=BOOK, verdict='only if',
       correction='Only if it is no maximum either: the gradient of $-x^2$ vanishes at 0, which is '
                  'no minimum and no saddle point.')
def a_maximum_is_no_saddle():
    x = onp.linspace(-1, 1, 201)
    assert (-x ** 2).argmax() == 100 and onp.gradient(-x ** 2, x)[100] == 0


@claim('$x^3$ has a saddle point at 0, where its first and second derivative vanish, and '
       'optimization may stall there.', source=BOOK)
def cube_stalls():
    path = walk(gluon_opt.sgd, lambda x: 3 * x ** 2, 1, 1000, lr=0.1)
    assert (path > 0).all() and abs(path[-1] * 300 - 1) < 0.02      # like 1 / (3 lr t)


@claim('$x^2 - y^2$ has its saddle point at $(0, 0)$, a minimum along $x$ and a maximum along $y$.',
       source=BOOK)
def saddle_of_two_variables():
    x = onp.linspace(-1, 1, 201)
    assert (x ** 2).argmin() == (-x ** 2).argmax() == 100
    end = gluon_opt.trace('sgd', lambda x, y: x ** 2 - y ** 2, (-1, 0.001), {'lr': 0.1}, 40)[-1]
    assert onp.allclose(end, [-0.8 ** 40, 0.001 * 1.2 ** 40])


@claim('Where the gradient is zero the signs of the eigenvalues of the Hessian decide: all '
       'positive, a local minimum; all negative, a local maximum; of both signs, a saddle point.',
       source=BOOK)
def signs_decide():
    circle = onp.array([(onp.cos(a), onp.sin(a)) for a in onp.linspace(0, 2 * onp.pi, 721)])
    random = onp.random.RandomState(0)
    for _ in range(200):
        a = random.randn(2, 2)
        H = a + a.T
        around = onp.einsum('ni,ij,nj->n', circle, H, circle) / 2       # f minus f(0)
        low, high = onp.linalg.eigvalsh(H)
        if abs(low) > 1e-3 < abs(high):
            assert (around.min() > 0, around.max() < 0) == (low > 0, high < 0)


@claim('With these three cases every point where the gradient is zero is classified.',
       source=BOOK, verdict='only if',
       correction='Only if no eigenvalue is zero: $x^4$, $-x^4$ and $x^3$ all have the second '
                  'derivative 0 at 0, and are a minimum, a maximum and a saddle.')
def zero_decides_nothing():
    eps = 1e-3
    for function, signs in ((lambda x: x ** 4, (1, 1)), (lambda x: -x ** 4, (-1, -1)),
                            (lambda x: x ** 3, (-1, 1))):
        assert abs(function(eps) + function(-eps) - 2 * function(0)) / eps ** 2 < 1e-5
        assert tuple(onp.sign([function(-eps), function(eps)])) == signs


@claim('An eigenvalue of a large Gaussian random matrix is positive with probability 0.5.',
       source='book, Chinese edition 1')
def one_eigenvalue():
    for k in (2, 5, 30):
        eigenvalues = gaussian_eigenvalues(k, 4000)
        assert abs((eigenvalues > 0).mean() - 0.5) < 0.02


@claim('All $k$ eigenvalues of a Gaussian random matrix are positive with probability $0.5^k$.',
       source='book, Chinese edition 1', verdict='false',
       correction=r'They repel each other. The probability is $(2 - \sqrt 2) / 4 = 0.146$ for '
                  r'$k = 2$ and $(\pi - 2 \sqrt 2) / (4 \pi) = 0.0249$ for $k = 3$; measured, '
                  '0.0025 for 4 and 0.00014 for 5. It falls like $3^{-k^2 / 4}$.')
def all_eigenvalues():
    share = {k: (gaussian_eigenvalues(k) > 0).all(axis=1).mean() for k in (2, 3, 4, 5)}
    # five standard deviations of 100,000 draws
    assert abs(share[2] - (2 - onp.sqrt(2)) / 4) < 0.006
    assert abs(share[3] - (onp.pi - 2 * onp.sqrt(2)) / (4 * onp.pi)) < 0.0025
    assert abs(share[4] - 0.0025) < 0.0008
    assert 0 < share[5] < 0.0004 < 0.5 ** 5 / 70


@claim('In high dimension at least some eigenvalues are negative with high probability, so saddle '
       'points are likelier than minima.', source=BOOK, verdict='only if',
       correction='Only if the Hessian is like a random matrix. Then it is right: with $k = 5$ '
                  'hardly one in a thousand draws has eigenvalues of one sign. The Hessian of a '
                  'convex function never has two signs.')
def saddles_are_likelier():
    eigenvalues = gaussian_eigenvalues(5)
    both = (eigenvalues > 0).any(axis=1) & (eigenvalues < 0).any(axis=1)
    assert both.mean() > 0.999
    a = onp.random.RandomState(0).randn(1000, 5, 5)
    assert onp.linalg.eigvalsh(a @ a.transpose(0, 2, 1)).min() > -1e-12


@claim(r'The slope of $\tanh$ at 4 is 0.0013.', source=BOOK)
def slope_of_tanh():
    assert abs(1 - onp.tanh(4) ** 2 - 0.00134) < 5e-6


@claim(r'Started at $x = 4$ on $\tanh$, optimization is stuck for a long time.',
       source=BOOK, verdict='only if',
       correction='Only if the rule follows the size of the gradient. With learning rate 1 '
                  'gradient descent needs 378 steps to pass 0; Adam, which divides by this size, '
                  'needs 36 with 0.1.')
def stuck_on_tanh():
    def slope(x):
        return 1 - onp.tanh(x) ** 2

    def steps(path):
        return (path < 0).argmax()

    assert steps(walk(gluon_opt.sgd, slope, 4, 400, lr=1)) == 378
    assert steps(walk(gluon_opt.adam, slope, 4, 100, lr=0.1)) == 36


@claim(r'One can minimize $\tanh$.', source=BOOK, verdict='false',
       correction=r'It has no minimum: it falls towards $-1$ and never gets there. The book uses '
                  'it for the flat place only.')
def tanh_has_no_minimum():
    x = -onp.arange(0.0, 18, 0.5)
    assert (onp.diff(onp.tanh(x)) < 0).all() and onp.tanh(x).min() > -1


@claim('Every local minimum of a multilayer perceptron with $d$ hidden units has at least $d!$ '
       'equivalent ones.', source='book, exercise', verdict='only if',
       correction='Only if no two hidden units are equal; else some of the $d!$ are the same '
                  r'point. With $\tanh$ the signs can be turned too: $2^d d!$.')
def equivalent_minima():
    random = onp.random.RandomState(0)
    W, b, w, X = random.randn(3, 4), random.randn(4), random.randn(4), random.randn(50, 3)
    found = set()
    for order, signs in product(permutations(range(4)), product((1, -1), repeat=4)):
        order, signs = list(order), onp.array(signs)
        y = onp.tanh(X @ (W[:, order] * signs) + b[order] * signs) @ (w[order] * signs)
        assert onp.allclose(y, onp.tanh(X @ W + b) @ w)
        found.add(tuple(b[order] * signs))
    assert len(found) == 2 ** 4 * 24
    assert len(set(permutations([1, 1, 2, 3]))) == 12       # two equal units


@claim('If the entries of a symmetric random matrix have symmetric distributions, so have its '
       'eigenvalues.', source='book, exercise')
def symmetric_eigenvalues():
    # all 3 x 3 matrices of entries -1, 0, 1, equally likely
    entries = onp.array(list(product((-1, 0, 1), repeat=6)))
    matrices = entries[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)
    eigenvalues = onp.sort(onp.linalg.eigvalsh(matrices).ravel())
    assert onp.allclose(eigenvalues, -eigenvalues[::-1])


@claim(r'Hence an eigenvalue is positive with probability 0.5.', source='book, exercise',
       verdict='only if',
       correction='Only if it is never zero. With entries $-1, 0, 1$, equally likely, 10 of the 54 '
                  'eigenvalues of the 2 x 2 matrices are zero and 22 are positive.')
def zero_eigenvalues():
    matrices = onp.array([[[a, b], [b, c]] for a, b, c in product((-1, 0, 1), repeat=3)])
    eigenvalues = onp.linalg.eigvalsh(matrices).round(9)
    assert (eigenvalues == 0).sum() == 10 and (eigenvalues > 0).sum() == 22


@claim('A ball on a saddle is hard to balance, and an algorithm can make use of that: a little '
       'noise is enough to leave.', source='book, exercise')
def noise_leaves_a_saddle():
    def steps(noise):
        random = onp.random.RandomState(0)
        y, n = np.zeros(1, dtype='float64'), 0
        y.attach_grad()
        while abs(float(y[0])) < 1:
            y.grad[:] = -2 * y + noise * random.randn()
            gluon_opt.sgd([y], None, {'lr': 0.1})
            n += 1
        return n

    # each hundredth costs ln 100 / ln 1.2 = 25.3 steps
    assert all(abs(steps(noise / 100) - steps(noise) - 25.3) < 1.5 for noise in (1e-2, 1e-4, 1e-6))
    assert (walk(gluon_opt.sgd, lambda y: -2 * y, 0, 100, lr=0.1) == 0).all()
