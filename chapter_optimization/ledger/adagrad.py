"""Claims of the page on AdaGrad."""
import math

import numpy as onp
from mxnet import np

import gluon_opt
from gluon_opt.traces import SURFACES
from ledger import claim

BOWL, START = SURFACES['bowl'].f, SURFACES['bowl'].start
DIGITS = 1e-6       # the source prints six digits


def walk(f, x0, lr, steps=20):
    return gluon_opt.trace(gluon_opt.adagrad, f, x0, {'lr': lr}, steps)


def sums(gradients):
    """The state of AdaGrad after each of the gradients."""
    x = np.zeros(gradients.shape[1], dtype='float64')
    x.attach_grad()
    s, states = np.zeros_like(x), []
    for g in gradients:
        x.grad[:] = np.array(g, dtype='float64')
        gluon_opt.adagrad([x], [s], {'lr': 0.1})
        states.append(s.asnumpy())
    return onp.array(states)


def slope(x, y):
    """The exponent of a power law."""
    return onp.polyfit(onp.log(x), onp.log(y), 1)[0]


@claim(r'AdaGrad with $\eta = 0.4$ ends, after 20 steps from $(-5, -2)$ on the bowl, at '
       r'$(-2.382563, -0.158591)$.', source='book, AdaGrad')
def end_at_0_4():
    assert onp.allclose(walk(BOWL, START, 0.4)[-1], (-2.382563, -0.158591), atol=DIGITS)


@claim(r'With $\eta = 2$ it ends at $(-0.002295, 0)$.', source='book, AdaGrad')
def end_at_2():
    assert onp.allclose(walk(BOWL, START, 2)[-1], (-0.002295, 0), atol=DIGITS)


@claim(r'At $\eta = 0.4$ the variables hardly move any more at the end.',
       source='book, AdaGrad; document D')
def late_steps_are_short():
    steps = onp.linalg.norm(onp.diff(walk(BOWL, START, 0.4), axis=0), axis=1)
    assert (onp.diff(steps) < 0).all() and steps[-1] < steps[0] / 5


@claim(r'The effective learning rate falls like $t^{-1/2}$.', source='book, AdaGrad',
       verdict='only if', correction='The gradients must keep their size, as noise makes them do. '
       'Where they vanish quickly, their squares have a finite sum and the rate stops falling.')
def rate_falls_like_the_root():
    t = onp.arange(1, 601)
    noise = onp.random.RandomState(0).normal(size=(600, 50))
    rate = 1 / onp.sqrt(sums(noise)).mean(axis=1)
    assert abs(slope(t[100:], rate[100:]) + 0.5) < 0.02
    vanishing = walk(BOWL, START, 2, 200) * (0.2, 4)
    rate = 1 / onp.sqrt(sums(vanishing)[:, 0])
    assert abs(slope(t[100:201], rate[100:])) < 1e-3


@claim('No rate ever rises again.', source='documents C and D')
def rates_only_fall():
    s = sums(onp.random.RandomState(0).normal(size=(200, 5)))
    assert (onp.diff(s, axis=0) >= 0).all()


@claim('Where the partial derivative stays large the rate falls fast, where it stays small slowly.',
       source='document C')
def large_derivatives_lose_their_rate():
    rates = 1 / onp.sqrt(sums(onp.tile([10.0, 0.1], (100, 1))) + 1e-6)
    assert rates[-1, 0] * 90 < rates[-1, 1]


@claim('The size of the gradients is taken care of: if the loss is multiplied by a constant, '
       'the path stays the same.', source='book, AdaGrad')
def scale_of_the_loss_does_not_matter():
    larger = walk(lambda x1, x2: 1000 * BOWL(x1, x2), START, 0.4)
    assert abs(larger - walk(BOWL, START, 0.4)).max() < 1e-5       # eps is not multiplied


@claim('AdaGrad suits sparse features: rare ones keep a large rate.', source='book, AdaGrad; '
       'document C')
def sparse_features():
    random = onp.random.RandomState(0)
    p = 0.5 / onp.arange(1, 101)
    X = (random.rand(600, 100) < p).astype('float32')
    true_w = random.normal(size=100).astype('float32')
    y = X @ true_w
    lrs = np.logspace(-1.5, 0.5, 8).reshape(-1, 1)

    def decayed(params, states, hyperparams):
        lr = hyperparams['lr'] / math.sqrt(hyperparams['t'])
        gluon_opt.sgd(params, states, {'lr': lr})
        hyperparams['t'] += 1

    def best(rule):
        w = np.zeros((8, 100))
        w.attach_grad()
        states, hyperparams = [np.zeros_like(w)], {'lr': lrs, 't': 1}
        for x_i, y_i in zip(np.array(X), np.array(y)):
            w.grad[:] = (np.dot(w, x_i) - y_i).reshape(-1, 1) * x_i
            rule([w], states, hyperparams)
        error = w.asnumpy() - true_w
        with onp.errstate(all='ignore'):
            loss = (error @ p) ** 2 + error ** 2 @ (p * (1 - p))
        return onp.nan_to_num(loss, nan=onp.inf).min()

    assert best(gluon_opt.adagrad) < 0.5 * best(decayed)


@claim(r'A quadratic $\frac{1}{2} \mathbf{x}^\top \mathbf{Q} \mathbf{x} + \mathbf{c}^\top '
       r'\mathbf{x} + b$ has its minimum, in the coordinates of the eigenvectors, at $-\bar{c}_i / '
       r'\lambda_i$, with the value $b - \frac{1}{2} \sum_i \bar{c}_i^2 / \lambda_i$.',
       source='book, AdaGrad')
def minimum_of_a_quadratic():
    random = onp.random.RandomState(0)
    A, c = random.normal(size=(5, 5)), random.normal(size=5)
    Q = A @ A.T
    eigenvalues, V = onp.linalg.eigh(Q)
    x, c_bar = onp.linalg.solve(Q, -c), V.T @ c
    assert onp.allclose(V.T @ x, -c_bar / eigenvalues)
    assert math.isclose(x @ Q @ x / 2 + c @ x, -(c_bar ** 2 / eigenvalues).sum() / 2)


@claim('Diagonal preconditioning makes the condition number much smaller in most cases.',
       source='book, AdaGrad', verdict='only if',
       correction='It does where the coordinates differ in their units. A bad condition number '
       'that comes from directions across the coordinates stays, and may even get a little worse: '
       'the turned bowl has 20 before and after.')
def diagonal_preconditioning():
    random = onp.random.RandomState(0)

    def change(units):
        A = units[:, None] * random.normal(size=(5, 20))
        Q = A @ A.T
        unit = onp.sqrt(onp.diag(Q))
        P = Q / onp.outer(unit, unit)
        assert onp.allclose(onp.diag(P), 1)
        return onp.linalg.cond(P) / onp.linalg.cond(Q)
    mixed = [change(10 ** random.uniform(-2, 2, 5)) for _ in range(200)]
    plain = [change(onp.ones(5)) for _ in range(200)]
    assert onp.median(mixed) < 1e-3
    assert onp.median(plain) > 0.5 and max(plain) > 1
    turned = onp.array([[2.1, -1.9], [-1.9, 2.1]])
    assert math.isclose(onp.linalg.cond(turned), 20)
    assert math.isclose(onp.linalg.cond(turned / 2.1), 20)


@claim('The size of the gradient is a stand-in for the diagonal of the Hessian: away from the '
       'minimum the gradient itself, at the minimum its variance.', source='book, AdaGrad')
def gradient_as_a_proxy():
    random = onp.random.RandomState(0)
    X = random.normal(size=(20000, 5)) * 10.0 ** onp.arange(-2, 3)
    second = (X ** 2).mean(axis=0)
    variance = (X * random.normal(size=(20000, 1))).var(axis=0)
    assert abs(slope(second, variance) - 1) < 0.01
    hessian = onp.array([0.2, 4])
    x = np.array([1.0, 1.0], dtype='float64')
    s = sums((hessian * x.asnumpy())[None])[0]
    assert onp.allclose(onp.sqrt(s), hessian)


@claim(r'For an orthogonal $\mathbf{U}$ a perturbation keeps its length: $\|\mathbf{c} - '
       r'\boldsymbol{\delta}\|_2 = \|\mathbf{U} \mathbf{c} - \mathbf{U} \boldsymbol{\delta}\|_2$.',
       source='book, AdaGrad, exercises')
def orthogonal_maps_keep_lengths():
    random = onp.random.RandomState(0)
    U, _ = onp.linalg.qr(random.normal(size=(6, 6)))
    c, delta = random.normal(size=(2, 6))
    assert math.isclose(onp.linalg.norm(c - delta), onp.linalg.norm(U @ c - U @ delta))


@claim(r'$0.1 (x_1 + x_2)^2 + 2 (x_1 - x_2)^2$ is the bowl turned by 45 degrees.',
       source='book, AdaGrad and RMSProp, exercises', verdict='false',
       correction=r'It is turned and doubled: the eigenvalues of the Hessian are 0.4 and 8, those '
       r'of the bowl 0.2 and 4. The pure rotation is $0.05 (x_1 + x_2)^2 + (x_1 - x_2)^2$.')
def printed_rotation():
    def hessian(a, b):
        return 2 * a * onp.ones((2, 2)) + 2 * b * onp.array([[1, -1], [-1, 1]])
    assert onp.allclose(onp.linalg.eigvalsh(hessian(0.1, 2)), (0.4, 8))
    assert onp.allclose(onp.linalg.eigvalsh(hessian(0.05, 1)), (0.2, 4))
    path = gluon_opt.trace('sgd', lambda x1, x2: 0.05 * (x1 + x2) ** 2 + (x1 - x2) ** 2,
                           (-7 / math.sqrt(2), -3 / math.sqrt(2)), {'lr': 0.4})
    bowl = gluon_opt.trace('sgd', BOWL, START, {'lr': 0.4})
    turn = onp.array([[1, 1], [1, -1]]) / math.sqrt(2)
    assert onp.allclose(path @ turn, bowl)


@claim('On the turned bowl AdaGrad is much slower than on the bowl.',
       source='book, AdaGrad, exercises')
def slower_on_the_turned_bowl():
    def turned(x1, x2):
        return 0.05 * (x1 + x2) ** 2 + (x1 - x2) ** 2
    start = -7 / math.sqrt(2), -3 / math.sqrt(2)
    assert math.isclose(turned(*start), BOWL(*START))
    end, bowl_end = walk(turned, start, 0.4, 100)[-1], walk(BOWL, START, 0.4, 100)[-1]
    assert turned(*end) > 20 * BOWL(*bowl_end)


@claim(r"Each eigenvalue of a matrix lies in one of Gershgorin's discs; after diagonal "
       r'preconditioning all have the centre 1.', source='book, AdaGrad, exercises')
def gershgorin():
    random = onp.random.RandomState(0)
    for M in random.normal(size=(200, 5, 5)):
        radius = abs(M).sum(axis=1) - abs(onp.diag(M))
        distance = abs(onp.linalg.eigvals(M)[:, None] - onp.diag(M))
        assert (distance <= radius + 1e-9).any(axis=1).all()
        Q = M @ M.T
        unit = onp.sqrt(onp.diag(Q))
        P = Q / onp.outer(unit, unit)
        assert abs(onp.linalg.eigvalsh(P) - 1).max() <= abs(P).sum(axis=1).max() - 1 + 1e-9
