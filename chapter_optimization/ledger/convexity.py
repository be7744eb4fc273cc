"""Claims of the page on convexity."""
from itertools import combinations

import numpy as onp
from mxnet import autograd, gluon, np
from mxnet.util import np_array, np_shape

import gluon_opt
from ledger import claim

BOOK = 'book, Convexity'
EXERCISE = 'book, exercise'


def leaving(c, seed=0):
    """Share of the segments between points of {c <= 0} in the plane that leave the set."""
    points = onp.random.RandomState(seed).uniform(-2, 2, (20_000, 2))
    points = points[c(*points.T) <= 0]
    half = len(points) // 2
    a, b = points[:half].T, points[half:2 * half].T
    on_the_way = [c(*(t * a + (1 - t) * b)) for t in onp.linspace(0, 1, 21)]
    return (onp.array(on_the_way) > 1e-9).any(axis=0).mean()


def lowest_chord(f, low=-2, high=2):
    """The least that a chord is above a function of one variable; negative: it is not convex."""
    a, b = onp.random.RandomState(0).uniform(low, high, (2, 10_000))
    return min((t * f(a) + (1 - t) * f(b) - f(t * a + (1 - t) * b)).min()
               for t in onp.linspace(0, 1, 11))


def disc(x, y):
    return x ** 2 + y ** 2 - 1


def project_ball(x):
    return x * min(1, 1 / onp.linalg.norm(x))


def project_box(x):
    return onp.clip(x, -1, 1)


def project_diamond(x):
    size = -onp.sort(-abs(x))
    if size.sum() <= 1:
        return x
    cut = (onp.cumsum(size) - 1) / onp.arange(1, len(x) + 1)
    return onp.sign(x) * onp.maximum(abs(x) - cut[size > cut][-1], 0)


def quadratic_model():
    """The Hessian and the linear term of the airfoil loss, bias included."""
    data = gluon_opt.load_airfoil()
    X = onp.c_[data.features, onp.ones(1500)]
    return X.T @ X / 1500, X.T @ data.labels / 1500


@claim('Intersections of convex sets are convex.', source=BOOK)
def intersections():
    def slices(x, y):
        return onp.max([disc(x, y), disc(x - 0.5, y), x + 0.6 * y - 0.4], axis=0)
    assert leaving(slices) == 0


@claim('Unions of convex sets need not be convex.', source=BOOK)
def unions():
    assert leaving(lambda x, y: onp.minimum(disc(x - 0.7, y), disc(x + 0.7, y))) > 0.01


@claim('A segment from one of two disjoint convex sets to the other must hold points of neither.',
       source=BOOK, verdict='only if',
       correction='Only if both sets are closed. $[0, 1)$ and $[1, 2]$ are disjoint and convex, '
                  'and their union is the interval $[0, 2]$.')
def disjoint_sets():
    x = onp.linspace(0, 2, 2001)        # a segment from the first to the second
    first, second = (x >= 0) & (x < 1), (x >= 1) & (x <= 2)
    assert not (first & second).any() and (first | second).all()
    closed = (x <= 0.9) | (x >= 1)      # [0, 0.9] and [1, 2]
    assert not closed.all()


@claim(r'$0.5 x^2$ and $\exp(0.5 x)$ are convex, $\cos(\pi x)$ is not.', source=BOOK)
def three_functions():
    assert lowest_chord(lambda x: 0.5 * x ** 2) > -1e-12
    assert lowest_chord(lambda x: onp.exp(0.5 * x)) > -1e-12
    assert lowest_chord(lambda x: onp.cos(onp.pi * x)) < -1


@claim('The expectation of a convex function is larger than the function of the expectation.',
       source=BOOK, verdict='only if',
       correction='Only if the function is curved where the variable varies; in general it is at '
                  'least as large. For a linear function the two are equal.')
def jensen():
    z = onp.random.RandomState(0).randn(10_000)
    for convex in (onp.exp, onp.square, abs, lambda x: onp.maximum(x, 0)):
        assert convex(z).mean() > convex(z.mean())
    assert onp.isclose((3 * z + 1).mean(), 3 * z.mean() + 1)


@claim(r'$E_{Y \sim P(Y)}[-\log P(X \mid Y)] \geq -\log P(X)$.', source=BOOK)
def likelihood_bound():
    random = onp.random.RandomState(0)
    for _ in range(100):
        p_y, p_x_given_y = random.dirichlet(onp.ones(4)), random.uniform(0.01, 1, 4)
        assert -p_y @ onp.log(p_x_given_y) >= -onp.log(p_y @ p_x_given_y)


@claim('A local minimum of a convex function is a global one.', source=BOOK)
def local_is_global():
    H, b = quadratic_model()            # the airfoil loss, from far apart starts
    ends = []
    for start in onp.random.RandomState(0).randn(3, 6) * 10:
        w = np.array(start)
        w.attach_grad()
        for _ in range(120):
            w.grad[:] = np.array(H @ w.asnumpy() - b)
            gluon_opt.sgd([w], None, {'lr': 0.8})
        ends.append(w.asnumpy())
    assert onp.allclose(ends, onp.linalg.solve(H, b), atol=1e-5)


@claim('$(x + 1)(x - 1)^2$, which is not convex, has at $x = 1$ a local minimum that is not '
       'global.', source='book, older edition')
def local_is_not_global_without_convexity():
    def f(x):
        return (x + 1) * (x - 1) ** 2
    around = onp.linspace(0.5, 1.5, 1001)
    assert around[f(around).argmin()] == 1 and f(1) == 0 and f(-2) == -9
    assert lowest_chord(f) < -1


@claim('Minimizing a convex function one cannot get stuck.', source=BOOK, verdict='only if',
       correction='Only if the steps are right. Gradient descent on $0.5 x^2$ with learning rate 2 '
                  'jumps from 1 to $-1$ and back for ever, and with 2.1 it runs away.')
def steps_must_be_right():
    def end(lr):
        return abs(gluon_opt.trace('sgd', lambda x: 0.5 * x ** 2, (1,), {'lr': lr}, 60)[-1, 0])
    assert end(1.9) < 0.01 and end(2) == 1 and end(2.1) > 100


@claim(r'A convex function may have several global minima, as $\max(|x| - 1, 0)$, or none, as '
       r'$\exp(x)$.', source=BOOK)
def several_minima_or_none():
    x = onp.linspace(-2, 2, 4001)
    flat = onp.maximum(abs(x) - 1, 0)
    assert lowest_chord(lambda x: onp.maximum(abs(x) - 1, 0)) > -1e-12
    assert (flat == 0).sum() == (abs(x) <= 1).sum() > 2000
    path = gluon_opt.trace('sgd', np.exp, (0,), {'lr': 1}, 100)[:, 0]
    assert (onp.diff(path) < 0).all() and onp.exp(path[-1]) > 0


@claim('Below sets of convex functions are convex.', source=BOOK)
def below_sets():
    for level in (1, 2, 3):
        assert leaving(lambda x, y: onp.exp(x) + y ** 2 - level) == 0       # noqa: B023
        assert leaving(lambda x, y: onp.logaddexp(x, -x) + abs(y) - level) == 0  # noqa: B023


@claim(r'The below sets of $0.5 x^2 + \cos(2 \pi y)$ are not convex.',
       source='book, older edition')
def below_sets_of_waves():
    # what the text prints, and what the figure draws
    assert leaving(lambda x, y: 0.5 * x ** 2 + onp.cos(2 * onp.pi * y)) > 0.5
    assert leaving(lambda x, y: x ** 2 + 0.5 * onp.cos(2 * onp.pi * y)) > 0.5


@claim(r'A function may have convex below sets without being convex, as $\sqrt{|x|}$ has.',
       source='this page')
def quasiconvex():
    assert lowest_chord(lambda x: onp.sqrt(abs(x))) < -0.1
    x = onp.linspace(-2, 2, 4001)
    for level in (0.1, 0.5, 1):
        inside = onp.flatnonzero(onp.sqrt(abs(x)) <= level)
        assert (onp.diff(inside) == 1).all()


@claim('A function with second derivatives is convex exactly if its Hessian has no negative '
       'eigenvalue anywhere.', source=BOOK)
def second_order_condition():
    x = onp.linspace(-2, 2, 401)
    bends = {lambda x: 0.5 * x ** 2: x ** 0, lambda x: onp.exp(0.5 * x): onp.exp(0.5 * x) / 4,
             lambda x: onp.cos(onp.pi * x): -onp.pi ** 2 * onp.cos(onp.pi * x),
             lambda x: x ** 3: 6 * x, lambda x: x ** 4: 12 * x ** 2}
    for f, second in bends.items():
        assert (lowest_chord(f) > -1e-9) == (second.min() >= 0)


@claim(r'It is enough to look along lines: with $g(z) = f(\mathbf{x} + z \mathbf{v})$, '
       r"$g'' = \mathbf{v}^\top \mathbf{H} \mathbf{v}$.", source=BOOK)
def along_lines():
    random, eps = onp.random.RandomState(0), 1e-4
    H, _ = quadratic_model()
    for x, v in random.randn(20, 2, 6):
        values = [(x + z * v) @ H @ (x + z * v) / 2 for z in (-eps, 0, eps)]
        second = (values[0] - 2 * values[1] + values[2]) / eps ** 2
        assert abs(second - v @ H @ v) < 1e-4 and second > 0


@claim("The loss of the chapter's linear model is convex, with one minimum.", source=BOOK)
def airfoil_is_convex():
    eigenvalues = onp.linalg.eigvalsh(quadratic_model()[0])
    known = [0.1737, 0.6665, 0.9181, 1, 1.1262, 2.0985]
    assert onp.allclose(eigenvalues, known, atol=6e-5)


@claim('The constrained problem is solved at the saddle point of the Lagrangian; the multiplier of '
       'a constraint that is not touched is zero.', source=BOOK)
def saddle_of_the_lagrangian():
    for r, expected in ((1, (1, 2)), (3, (2, 0))):      # (x - 2)^2 with x <= r
        x, alpha = (np.array([0.0], dtype='float64') for _ in range(2))
        x.attach_grad()
        alpha.attach_grad()
        for _ in range(200):
            x.grad[:] = 2 * (x - 2) + alpha
            alpha.grad[:] = -(x - r)                    # climbs
            gluon_opt.sgd([x, alpha], None, {'lr': 0.1})
            alpha[:] = np.maximum(alpha, 0)
        assert onp.allclose([float(x[0]), float(alpha[0])], expected, atol=1e-3)


@claim(r'Adding $\alpha_i c_i(\mathbf{x})$ to the objective ensures that constraints are not '
       'violated too badly.', source=BOOK, verdict='only if',
       correction=r'Only if $\alpha_i$ is large enough. $(x - 2)^2 + \alpha (x - 1)$ is smallest '
                  r'at $2 - \alpha / 2$: $\alpha = 2$ meets $x \leq 1$ exactly, less violates it.')
def penalties():
    for alpha, end in ((0.2, 1.9), (1, 1.5), (2, 1), (3, 0.5)):
        path = gluon_opt.trace('sgd', lambda x: (x - 2) ** 2 + alpha * (x - 1),  # noqa: B023
                               (0,), {'lr': 0.3}, 20)
        assert abs(path[-1, 0] - end) < 1e-6


@claim(r'Weight decay $\frac{\lambda}{2} \|\mathbf{w}\|^2$ ensures $\|\mathbf{w}\|^2 - r^2 \leq 0$ '
       'for some radius $r$.', source=BOOK)
def weight_decay_is_a_ball():
    H, b = quadratic_model()
    for decay in (0.1, 1, 10):
        decayed = onp.linalg.solve(H + decay * onp.eye(6), b)
        r = onp.linalg.norm(decayed)
        w = np.zeros(6, dtype='float64')
        w.attach_grad()
        for _ in range(150):            # the loss alone, inside the ball
            w.grad[:] = np.array(H @ w.asnumpy() - b)
            gluon_opt.sgd([w], None, {'lr': 0.8})
            w[:] *= min(1, r / float(np.linalg.norm(w)))
        assert onp.allclose(w.asnumpy(), decayed, atol=1e-8)


@claim(r'Clipping, $\mathbf{g} \leftarrow \mathbf{g} \min(1, \theta / \|\mathbf{g}\|)$, is the '
       r'projection onto the ball of radius $\theta$.', source=BOOK)
def clipping_is_a_projection():
    random = onp.random.RandomState(0)
    ball = random.randn(5000, 3)
    ball /= onp.maximum(onp.linalg.norm(ball, axis=1, keepdims=True), 1)
    for g in 3 * random.randn(50, 3):
        clipped = project_ball(g)
        assert onp.linalg.norm(clipped) <= 1 + 1e-12
        assert onp.linalg.norm(g - clipped) <= onp.linalg.norm(g - ball, axis=1).min()


@claim("`clip_gradient` of Gluon's optimizers clips each element by itself. It is the projection "
       'onto a box, which changes the direction; `gluon.utils.clip_global_norm` is the projection '
       'onto a ball.', source='this page')
def clip_gradient_is_a_box():
    with np_shape(True), np_array(True):
        w = gluon.Parameter('w', shape=(2,))
        w.initialize('zeros')
        trainer = gluon.Trainer([w], 'sgd', {'learning_rate': 1, 'clip_gradient': 1})
        with autograd.record():
            loss = 3 * w.data()[0] + 0.5 * w.data()[1]
        loss.backward()
        trainer.step(1)
        assert onp.allclose(w.data().asnumpy(), [-1, -0.5])
        gradient = np.array([3, 0.5])
        gluon.utils.clip_global_norm([gradient.as_nd_ndarray()], 1)
        assert onp.allclose(gradient.asnumpy(), project_ball(onp.array([3, 0.5])))
    assert not onp.allclose(project_ball(onp.array([3, 0.5])), [1, 0.5])


@claim(r'The projection onto an $\ell_2$ ball keeps the direction; other projections need not.',
       source=BOOK)
def directions():
    for x in 3 * onp.random.RandomState(0).randn(50, 2):
        assert abs(onp.cross([*project_ball(x), 0], [*x, 0])).max() < 1e-12
    x = onp.array([2, 1])
    for project in (project_box, project_diamond):
        assert abs(onp.cross([*project(x), 0], [*x, 0])).max() > 0.1


@claim(r'Projections onto the $\ell_1$ ball give sparse vectors.', source=BOOK)
def sparse_projections():
    x = onp.random.RandomState(0).randn(100)
    zeros = [(project(x) == 0).mean() for project in (project_ball, project_box, project_diamond)]
    assert zeros[0] == zeros[1] == 0 and zeros[2] > 0.9


@claim('To check a closed set for convexity it is enough to check segments between points of its '
       'boundary.', source=EXERCISE)
def boundary_points():
    a = onp.linspace(0, 2 * onp.pi, 400, endpoint=False)
    mouth = onp.arctan(0.6)
    for opening, convex in ((0, True), (mouth, False)):
        points = onp.array([(onp.cos(b), onp.sin(b)) for b in a
                            if min(b, 2 * onp.pi - b) >= opening])
        middles = (points[:, None] + points).reshape(-1, 2) / 2
        x, y = middles.T
        inside = (disc(x, y) <= 1e-9) & (True if convex else 0.6 * x - abs(y) <= 1e-9)
        assert inside.all() == convex


@claim('It is enough to check the vertices.', source=EXERCISE, verdict='only if',
       correction='Only if the set is a polygon without holes. A triangle with a triangular hole, '
                  'turned the same way and a third as large, holds all segments between its six '
                  'vertices and is not convex.')
def vertices():
    corners = onp.array([(onp.cos(a), onp.sin(a)) for a in onp.pi * onp.array([1, 5, 9]) / 6])

    def triangle(x, y, size):       # <= 0 inside
        return onp.max([-x * a - y * b for a, b in corners], axis=0) - size / 2

    def with_a_hole(x, y):
        return onp.maximum(triangle(x, y, 3), -triangle(x, y, 1))

    t = onp.linspace(0, 1, 1001)[:, None]
    for a, b in combinations([*corners, *3 * corners], 2):
        assert with_a_hole(*(t * a + (1 - t) * b).T).max() < 1e-12
    assert leaving(with_a_hole) > 0.1


@claim(r'The ball of the $p$-norm is convex for all $p \geq 1$.', source=EXERCISE)
def balls():
    for p in (0.5, 0.8, 1, 1.5, 2, 7):
        share = leaving(lambda x, y: abs(x) ** p + abs(y) ** p - 1)     # noqa: B023
        assert (share == 0) == (p >= 1)


@claim(r'The maximum of convex functions is convex, the minimum need not be.', source=EXERCISE)
def maximum_and_minimum():
    assert lowest_chord(lambda x: onp.maximum((x + 1) ** 2, onp.exp(-x))) > -1e-12
    assert lowest_chord(lambda x: onp.minimum((x + 1) ** 2, (x - 1) ** 2)) < -0.5


@claim(r'$\log \sum_i \exp(x_i)$ is convex.', source=EXERCISE)
def log_sum_exp():
    for x in 3 * onp.random.RandomState(0).randn(500, 5):
        p = onp.exp(x) / onp.exp(x).sum()
        H = onp.diag(p) - onp.outer(p, p)
        eigenvalues, vectors = onp.linalg.eigh(H)
        assert eigenvalues[0] > -1e-14 and abs(H @ onp.ones(5)).max() < 1e-14
        variances = p @ vectors ** 2 - (p @ vectors) ** 2
        assert onp.allclose(eigenvalues, variances)


@claim(r'$\{\mathbf{x} \mid \mathbf{W} \mathbf{x} = \mathbf{b}\}$ is convex, and for '
       r'$\mathbf{b} = 0$ its projection is a matrix.', source=EXERCISE)
def subspaces():
    random = onp.random.RandomState(0)
    W = random.randn(2, 5)
    M = onp.eye(5) - onp.linalg.pinv(W) @ W
    basis = onp.linalg.svd(W)[2][2:].T
    for x in random.randn(20, 5):
        nearest = basis @ onp.linalg.lstsq(basis, x, rcond=None)[0]
        assert onp.allclose(M @ x, nearest) and onp.allclose(W @ M @ x, 0)
        a, b = x, x + M @ random.randn(5)       # W a = W b
        assert onp.allclose(W @ (0.3 * a + 0.7 * b), W @ a)


@claim(r"For twice differentiable convex functions $f(x + \epsilon) = f(x) + \epsilon f'(x) + "
       r"\frac{1}{2} \epsilon^2 f''(x + \xi)$ with some $\xi \in [0, \epsilon]$.", source=EXERCISE)
def second_order_expansion():
    for x in (-2, 0.5, 3):
        for eps in (0.01, 1, 5):                # f = exp
            rest = onp.exp(x + eps) - onp.exp(x) * (1 + eps)
            xi = onp.log(2 * rest / eps ** 2) - x
            assert 0 < xi < eps


@claim('Projections onto a convex set never increase distances.', source=EXERCISE)
def projections_shrink():
    for x, y in 2 * onp.random.RandomState(0).randn(1000, 2, 3):
        for project in (project_ball, project_box, project_diamond):
            shrunk = onp.linalg.norm(project(x) - project(y))
            assert shrunk <= onp.linalg.norm(x - y) * (1 + 1e-12)
    x, y = onp.array([0.01, 0]), onp.array([-0.01, 0])      # onto a circle, which is not convex
    assert onp.linalg.norm(x / 0.01 - y / 0.01) > 50 * onp.linalg.norm(x - y)


@claim(r'The projection onto the $\ell_1$ unit ball subtracts $\lambda / 2$ from all $|w_i|$, but '
       r'not below zero, and $\lambda$ can be found without trial and error.',
       source='book, older edition')
def l1_projection():
    for w in onp.random.RandomState(0).randn(200, 6):
        low, high = 0.0, abs(w).max()
        for _ in range(50):
            cut = (low + high) / 2
            soft = onp.sign(w) * onp.maximum(abs(w) - cut, 0)
            low, high = (cut, high) if abs(soft).sum() > 1 else (low, cut)
        assert onp.allclose(project_diamond(w), soft if abs(w).sum() > 1 else w)
