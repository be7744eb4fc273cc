"""Claims of the page on momentum."""
import numpy as onp
import pytest
from mxnet import np

import gluon_opt
from gluon_opt import nag, sgd, sgd_momentum
from gluon_opt.traces import nag_2d, walk_2d
from ledger import claim

BOOK = 'book, Momentum'
BOWL = onp.array([0.2, 4.0])        # curvatures of 0.1 x1^2 + 2 x2^2
START = [-5, -2]


def walk(rule, gradient, x0, hyperparams, steps):
    """The path of one of our rules in float64, its gradient from a function."""
    x = np.array(x0, dtype='float64')
    v = np.zeros_like(x)
    x.attach_grad()
    path = [x.asnumpy()]
    for _ in range(steps):
        x.grad[:] = np.array(gradient(x.asnumpy()), dtype='float64')
        rule([x], [v], hyperparams)
        path.append(x.asnumpy())
    return onp.array(path)


def on_bowl(lr, momentum, steps=20):
    return walk(sgd_momentum, lambda x: BOWL * x, START, {'lr': lr, 'momentum': momentum}, steps)


def step_matrix(rule, lr, momentum, curvature):
    """What one step makes of (v, x) = (1, 0) and (0, 1), as columns."""
    columns = []
    for v0, x0 in (1, 0), (0, 1):
        v, x = np.array([v0], dtype='float64'), np.array([x0], dtype='float64')
        x.attach_grad()
        x.grad[:] = curvature * x
        rule([x], [v], {'lr': lr, 'momentum': momentum})
        columns.append([v.item(), x.item()])
    return onp.array(columns).T


def rate(rule, lr, momentum, curvature=1.0):
    return abs(onp.linalg.eigvals(step_matrix(rule, lr, momentum, curvature))).max()


@claim(r'On $0.1 x_1^2 + 2 x_2^2$ gradient descent with learning rate 0.4 reaches the minimum '
       r'along $x_2$ and is slow along $x_1$: $(-0.943467, -0.000073)$ after 20 steps.',
       source=BOOK)
def gradient_descent_in_the_valley():
    end = walk(sgd, lambda x: BOWL * x, START, {'lr': 0.4}, 20)[-1]
    assert end == pytest.approx([-0.943467, -0.000073], abs=5e-7)


@claim('With learning rate 0.6 gradient descent gets further along $x_1$ and diverges along $x_2$.',
       source=BOOK)
def gradient_descent_diverges():
    end = walk(sgd, lambda x: BOWL * x, START, {'lr': 0.6}, 20)[-1]
    assert end == pytest.approx([-0.387814, -1673.365109], abs=5e-7)


@claim('With the same learning rate 0.6 and momentum 0.5 it converges well.', source=BOOK)
def momentum_converges():
    assert on_bowl(0.6, 0.5)[-1] == pytest.approx([0.007188, 0.002553], abs=5e-7)
    assert [rate(sgd_momentum, 0.6, 0.5, c) for c in BOWL] == pytest.approx([0.5 ** 0.5] * 2)


@claim('With momentum 0.25 it barely converges, and is still far better than without.', source=BOOK)
def half_of_it_barely_converges():
    assert on_bowl(0.6, 0.25)[-1] == pytest.approx([-0.126340, -0.186632], abs=5e-7)
    assert rate(sgd_momentum, 0.6, 0.25, 4) == pytest.approx(0.859, abs=5e-4)
    assert rate(sgd_momentum, 0.6, 0, 4) > 1


@claim('With learning rate 0.4 and momentum 0.5 the path is smoother along $x_2$ and faster along '
       '$x_1$ than that of gradient descent.', source='d2l-zh v1, Momentum', verdict='only if',
       correction='Faster along $x_1$, yes: $-0.062843$ against $-0.943467$ after 20 steps. Along '
                  '$x_2$ it swings as well, and is further from the minimum after 20 steps '
                  '(0.001202).')
def at_the_same_learning_rate():
    end = on_bowl(0.4, 0.5)[-1]
    assert end == pytest.approx([-0.062843, 0.001202], abs=5e-7)
    assert abs(end[1]) > 0.000073
    assert (on_bowl(0.4, 0.5)[:, 1] > 0).any()


@claim(r'The velocity is $\sum_\tau \beta^\tau \mathbf{g}_{t-\tau}$, a leaky sum of all gradients.',
       source=BOOK)
def leaky_sum():
    gradients = onp.random.RandomState(0).normal(size=30)
    p, v = np.zeros(1, dtype='float64'), np.zeros(1, dtype='float64')
    p.attach_grad()
    for g in gradients:
        p.grad[:] = float(g)
        sgd_momentum([p], [v], {'lr': 0.1, 'momentum': 0.9})
    assert v.item() == pytest.approx((0.9 ** onp.arange(30) * gradients[::-1]).sum(), rel=1e-12)


@claim(r'With $\beta = 0$ momentum is gradient descent.', source=BOOK)
def without_momentum():
    plain = walk(sgd, lambda x: BOWL * x, START, {'lr': 0.4}, 20)
    assert (on_bowl(0.4, 0) == plain).all()


@claim(r'The weights add up to $1 / (1 - \beta)$, so that in the long run a step is as long as one '
       r'with learning rate $\eta / (1 - \beta)$.', source=BOOK)
def length_of_a_step():
    path = walk(sgd_momentum, onp.ones_like, [0], {'lr': 0.1, 'momentum': 0.9}, 400)[:, 0]
    assert path[-2] - path[-1] == pytest.approx(0.1 / (1 - 0.9), rel=1e-12)


@claim(r'The effective number of gradients is $1 / (1 - \beta)$.', source=BOOK, verdict='only if',
       correction=r'It means the sum of the weights. A plain mean with the same variance would '
                  r'take $(1 + \beta) / (1 - \beta)$ gradients: 19, not 10, for $\beta = 0.9$.')
def effective_number():
    weights = 0.9 ** onp.arange(1000)
    assert weights.sum() == pytest.approx(10)
    mean = weights / weights.sum()
    assert 1 / (mean ** 2).sum() == pytest.approx(19)


def noise_floor(lr, momentum):
    random = onp.random.RandomState(0)
    path = walk(sgd_momentum, lambda x: x + random.normal(size=x.shape), onp.zeros(4000),
                {'lr': lr, 'momentum': momentum}, 200)
    return path[-1].std()


@claim('The leaky mean brings most of the benefit of averaging over a batch without computing the '
       "batch's gradients.", source=BOOK, verdict='only if',
       correction=r'The direction is steadier, but the steps are longer by $1 / (1 - \beta)$; at '
                  r'the same $\eta / (1 - \beta)$ the noise floor of the parameters is nearly the '
                  'same as without momentum.')
def noise_is_not_averaged_away():
    without, with_momentum = noise_floor(0.1, 0), noise_floor(0.01, 0.9)
    assert with_momentum == pytest.approx(without, rel=0.08)    # formulas 0.229 and 0.224
    assert noise_floor(0.1, 0.9) > 2 * without                  # the same lr: a higher floor


@claim('Learning rate 0.005 instead of 0.01 deals with the non-smoothness of the problem.',
       source=BOOK, verdict='false',
       correction='The loss is a quadratic, as smooth as can be; a smaller learning rate lowers '
                  'the noise, and the losses of many seeds scatter less.')
def what_a_smaller_learning_rate_does():
    data_iter, _ = gluon_opt.get_data_ch10(50)
    scatter = [gluon_opt.over_seeds('sgd_momentum', {'lr': lr, 'momentum': 0.9}, data_iter, 2,
                                    seeds=60).final.std() for lr in (0.04, 0.02)]
    assert scatter[1] < scatter[0]


@claim("Gluon's `sgd` with the same momentum takes a very similar path.", source=BOOK,
       verdict='only if',
       correction='The learning rate stays constant. Gluon keeps it inside the velocity, so that '
                  'old gradients keep the learning rate that they came with.')
def the_velocity_of_gluon():
    def end(rule, change):
        p, v = np.zeros(1, dtype='float64'), np.zeros(1, dtype='float64')
        p.attach_grad()
        p.grad[:] = 1
        for t in range(60):
            rule([p], [v], {'lr': 0.1 if t < change else 0.01, 'momentum': 0.9})
        return p.item()

    gluons = gluon_opt.gluon_form('sgd')
    assert end(gluons, 60) == pytest.approx(end(sgd_momentum, 60), rel=1e-6)
    assert end(sgd_momentum, 40) - end(gluons, 40) > 5


@claim(r'A quadratic with positive semidefinite $\mathbf{Q}$ has the minimiser '
       r'$-\mathbf{Q}^{-1} \mathbf{c}$ and the minimum '
       r'$b - \frac12 \mathbf{c}^\top \mathbf{Q}^{-1} \mathbf{c}$.', source=BOOK, verdict='only if',
       correction=r'$\mathbf{Q}$ is positive definite. With an eigenvalue 0 there is no inverse, '
                  'and the function may fall without end.')
def minimiser_of_a_quadratic():
    Q, c, b = onp.array([[2, 0.5], [0.5, 1]]), onp.array([1, -2]), 3

    def h(x):
        return x @ Q @ x / 2 + x @ c + b

    found = walk(sgd_momentum, lambda x: Q @ x + c, [0, 0], {'lr': 0.5, 'momentum': 0.5}, 200)[-1]
    assert found == pytest.approx(-onp.linalg.solve(Q, c), abs=1e-9)
    assert h(found) == pytest.approx(b - c @ onp.linalg.solve(Q, c) / 2)
    Q = onp.diag([2, 0])
    assert onp.linalg.eigvalsh(Q).min() == 0 and h(onp.array([0, 1e6])) < -1e6


@claim(r'So $h(\mathbf{x}) = \frac12 (\mathbf{x} - \mathbf{Q}^{-1} \mathbf{c})^\top \mathbf{Q} '
       r'(\mathbf{x} - \mathbf{Q}^{-1} \mathbf{c}) + b - \frac12 \mathbf{c}^\top \mathbf{Q}^{-1} '
       r'\mathbf{c}$.', source=BOOK, verdict='false',
       correction=r'The minimiser is $-\mathbf{Q}^{-1} \mathbf{c}$, so it must read '
                  r'$\mathbf{x} + \mathbf{Q}^{-1} \mathbf{c}$ in both places.')
def completed_square():
    Q, c, b, x = onp.array([[2, 0.5], [0.5, 1]]), onp.array([1, -2]), 3, onp.array([0.3, 0.7])
    h, shift = x @ Q @ x / 2 + x @ c + b, onp.linalg.solve(Q, c)
    rest = b - c @ shift / 2
    assert h == pytest.approx((x + shift) @ Q @ (x + shift) / 2 + rest)
    assert h != pytest.approx((x - shift) @ Q @ (x - shift) / 2 + rest, abs=0.1)


@claim(r'In the rotated frame gradient descent is $\mathbf{z}_t = \mathbf{z}_{t-1} - '
       r'\boldsymbol{\Lambda} \mathbf{z}_{t-1}$.', source=BOOK, verdict='false',
       correction=r'The learning rate is missing: $\mathbf{z}_t = (\mathbf{1} - \eta '
                  r'\boldsymbol{\Lambda}) \mathbf{z}_{t-1}$.')
def recursion_of_z():
    path = walk(sgd, lambda z: BOWL * z, [1, 1], {'lr': 0.4}, 1)
    assert path[1] == pytest.approx(1 - 0.4 * BOWL)
    assert abs(path[1] - (1 - BOWL)).min() > 0.1


@claim('Gradient descent, with and without momentum, does not mix the eigenspaces of a quadratic.',
       source=BOOK)
def eigenspaces_do_not_mix():
    random = onp.random.RandomState(0)
    rotation, _ = onp.linalg.qr(random.normal(size=(4, 4)))
    values = onp.array([0.1, 0.5, 1, 4])
    start = rotation.T @ onp.array([0, 0, 1, 0])           # along one eigenvector
    for rule in sgd, sgd_momentum:
        path = walk(rule, lambda x: rotation.T @ (values * (rotation @ x)), start,
                    {'lr': 0.3, 'momentum': 0.8}, 40)
        assert abs((path @ rotation.T)[:, [0, 1, 3]]).max() < 1e-12
        assert abs((path @ rotation.T)[1:, 2]).max() > 0.1


@claim(r'For $\frac\lambda2 x^2$ gradient descent gives $x_t = (1 - \eta \lambda)^t x_0$, and the '
       r'rate improves with the learning rate until $\eta \lambda = 1$.', source=BOOK)
def one_curvature():
    lam = onp.array([0.1, 1, 10, 19])
    path = walk(sgd, lambda x: lam * x, onp.ones(4), {'lr': 0.1}, 20)
    assert path == pytest.approx((1 - 0.1 * lam) ** onp.arange(21)[:, None], abs=1e-12)
    ends = [abs(walk(sgd, lambda x: x, [1], {'lr': lr}, 5)[-1, 0]) for lr in (0.2, 0.5, 0.8, 1)]
    assert ends == sorted(ends, reverse=True) and ends[-1] == 0


@claim(r'Beyond $\eta \lambda = 1$ things diverge.', source=BOOK, verdict='false',
       correction=r'Between 1 and 2 the iterates change sign at each step and still converge; they '
                  r'diverge beyond $\eta \lambda = 2$.')
def beyond_one():
    def end(eta_lambda):
        return abs(walk(sgd, lambda x: x, [1], {'lr': eta_lambda}, 200)[-1, 0])

    assert end(1.9) < 1e-8 and end(1.99) < 0.2
    assert end(2) == 1
    assert end(2.01) > 5


@claim(r'A step of momentum is the matrix $\begin{bmatrix} \beta & \lambda \\ -\eta \beta & 1 - '
       r'\eta \lambda \end{bmatrix}$ on $(v, x)$.', source=BOOK)
def matrix_of_a_step():
    beta, eta, lam = 0.25, 0.6, 4
    assert step_matrix(sgd_momentum, eta, beta, lam) == pytest.approx(
        onp.array([[beta, lam], [-eta * beta, 1 - eta * lam]]))


@claim(r'Momentum converges for $0 < \eta \lambda < 2 + 2 \beta$.', source=BOOK)
def stability_edge():
    for beta in 0, 0.3, 0.6, 0.9:
        edge = 2 + 2 * beta
        assert rate(sgd_momentum, edge, beta) == pytest.approx(1, abs=1e-6)
        assert rate(sgd_momentum, 0.999 * edge, beta) < 1 < rate(sgd_momentum, 1.001 * edge, beta)
        assert rate(sgd_momentum, 1e-3, beta) < 1 < rate(sgd_momentum, -1e-3, beta)


@claim('Momentum allows larger learning rates than gradient descent.', source=BOOK,
       verdict='only if',
       correction="It is the heavy ball. Nesterov's form has the edge "
                  r'$\eta \lambda < (2 + 2 \beta) / (1 + 2 \beta)$, which is below 2.')
def larger_learning_rates():
    for beta in 0.3, 0.6, 0.9:
        edge = (2 + 2 * beta) / (1 + 2 * beta)
        assert rate(nag, 0.999 * edge, beta) < 1 < rate(nag, 1.001 * edge, beta)
        assert edge < 2 < 2 + 2 * beta


@claim(r'In general large values of $\beta$ are desirable.', source=BOOK, verdict='only if',
       correction=r'Up to $\beta = (1 - \sqrt{\eta \lambda})^2$ for the flattest curvature. '
                  r'Beyond, the rate is $\sqrt\beta$ and gets worse.')
def large_momentum():
    for eta_lambda in 0.01, 0.1, 0.5:
        best = (1 - eta_lambda ** 0.5) ** 2
        rates = [rate(sgd_momentum, eta_lambda, beta)
                 for beta in (0, best / 2, best, (1 + best) / 2, 0.99)]
        assert min(rates) == rates[2]
        assert rates[2:] == pytest.approx([best ** 0.5, ((1 + best) / 2) ** 0.5, 0.99 ** 0.5],
                                          abs=1e-6)       # a double eigenvalue: root of rounding


@claim('Momentum is much more effective than gradient descent on ill-conditioned problems.',
       source=BOOK)
def root_of_the_condition_number():
    for kappa in 20, 80, 320:
        mu, L, root = 1 / kappa, 1.0, kappa ** 0.5
        plain = max(abs(step_matrix(sgd, 2 / (L + mu), 0, c)[1, 1]) for c in (mu, L))
        lr, beta = 4 / (1 + mu ** 0.5) ** 2, ((root - 1) / (root + 1)) ** 2
        heavy = max(rate(sgd_momentum, lr, beta, c) for c in (mu, L))
        assert plain == pytest.approx((kappa - 1) / (kappa + 1))
        assert heavy == pytest.approx((root - 1) / (root + 1), abs=1e-6)
        steps = onp.log(heavy) / onp.log(plain)     # how many of GD's one of these is worth
        assert steps == pytest.approx(root, rel=0.02)


@claim("Polyak's setting makes the heavy ball converge.", source='Polyak 1964', verdict='only if',
       correction='The function is quadratic. On a convex function with curvatures from 1 to 25 '
                  '(Lessard, Recht, Packard 2016) it runs in a cycle of three points for ever; '
                  "gradient descent and Nesterov's method converge.")
def a_cycle():
    def slope(x):
        return onp.where(x < 1, 25 * x, onp.where(x < 2, x + 24, 25 * x - 24))

    path = walk(sgd_momentum, slope, [3.3], {'lr': 1 / 9, 'momentum': 4 / 9}, 300)[:, 0]
    assert path[-3:] == pytest.approx(path[-6:-3], abs=1e-12)
    assert sorted(path[-3:]) == pytest.approx([-2208 / 1225, 792 / 1225, 2592 / 1225])
    assert abs(walk(sgd, slope, [3.3], {'lr': 1 / 13}, 300)[-1]) < 1e-8
    assert abs(walk(nag, slope, [3.3], {'lr': 1 / 25, 'momentum': 2 / 3}, 300)[-1]) < 1e-8


@claim("Gluon's `nag` is Nesterov's method, which takes the gradient at the look-ahead point.",
       source='Sutskever et al. 2013; MXNet')
def lookahead_and_shifted_variable():
    lr, beta = 0.3, 0.5
    x = onp.array(walk_2d(nag_2d(lr, beta), 20, lambda x1, x2: (0.2 * x1, 4 * x2)))
    ahead = x[1:] + beta * onp.diff(x, axis=0)
    path = walk(nag, lambda x: BOWL * x, START, {'lr': lr, 'momentum': beta}, 20)
    assert path[1:] == pytest.approx(ahead, abs=1e-12)
    theirs = walk(gluon_opt.gluon_form('nag'), lambda x: BOWL * x, START,
                  {'lr': lr, 'momentum': beta}, 20)
    assert theirs == pytest.approx(path, abs=1e-6)      # its hyperparameters are float32


@claim(r'On a quadratic Nesterov is momentum with $\beta (1 - \eta \lambda)$ in place of $\beta$ '
       'in each eigendirection.', source='Sutskever et al. 2013')
def nesterov_is_momentum_with_a_brake():
    lr, beta = 0.2, 0.9
    x = onp.array(walk_2d(nag_2d(lr, beta), 20, lambda x1, x2: (0.2 * x1, 4 * x2)))
    momentum = np.array(beta * (1 - lr * BOWL), dtype='float64')
    plain = walk(sgd_momentum, lambda x: BOWL * x, START, {'lr': lr, 'momentum': momentum}, 20)
    assert plain == pytest.approx(x, abs=1e-12)
