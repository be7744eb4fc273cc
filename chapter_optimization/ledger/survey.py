"""Claims of the survey, document C."""
import numpy as onp
from mxnet import np

import gluon_opt
from gluon_opt.traces import SURFACES, nag_2d, walk_2d
from ledger import claim

BOWL = SURFACES['bowl']
CURVATURES = 0.2, 4


def walk(name, steps=20, **hyperparams):
    return gluon_opt.trace(name, BOWL.f, BOWL.start, hyperparams, steps)


def steady(name, steps, **hyperparams):
    """The lengths of the steps under a constant gradient of 1."""
    path = gluon_opt.trace(name, lambda x: x, (0,), hyperparams, steps)
    return -onp.diff(path[:, 0])


def weights(beta, t):
    """What the newest, the second newest, ... of t values counts in their leaky mean."""
    y = onp.zeros(t)
    for i in range(t):
        y = beta * y + (1 - beta) * (onp.arange(t) == i)
    return y[::-1]


@claim('An update of gradient descent subtracts the same value $\\epsilon g$ every time.',
       source='document C', verdict='false',
       correction='What is constant is the rate $\\epsilon$; the step shrinks with the gradient.')
def steps_of_gd_are_not_constant():
    steps = onp.diff(walk('sgd', lr=0.4), axis=0)
    gradients = walk('sgd', lr=0.4)[:-1] * CURVATURES
    assert onp.allclose(steps, -0.4 * gradients)
    assert abs(steps[-1, 0]) < 0.25 * abs(steps[0, 0])


@claim('The gradient is the direction in which the function falls fastest.',
       source='document C', verdict='false',
       correction='Minus the gradient is; along the gradient the function rises fastest.')
def steepest_descent_is_minus_the_gradient():
    angles = onp.linspace(0, 2 * onp.pi, 3600, endpoint=False)
    around = onp.array([onp.cos(angles), onp.sin(angles)])
    x, h = onp.array(BOWL.start, 'float64')[:, None], 1e-6
    change = BOWL.f(*(x + h * around)) - BOWL.f(*x)
    gradient = x[:, 0] * CURVATURES
    step = walk('sgd', steps=1, lr=1e-3)
    step = (step[1] - step[0]) / onp.linalg.norm(step[1] - step[0])
    assert around[:, change.argmin()] @ gradient < 0 < around[:, change.argmax()] @ gradient
    assert around[:, change.argmin()] @ step > 1 - 1e-5


@claim('On $0.1 x_1^2 + 2 x_2^2$ the slope is steeper along $x_2$ than along $x_1$.',
       source='document C', verdict='only if',
       correction='While $|x_2| > |x_1| / 20$, as at the start; later it is the other way round.')
def the_steeper_direction():
    slopes = abs(walk('sgd', lr=0.4) * CURVATURES)
    assert slopes[0, 1] == 8 * slopes[0, 0]
    assert slopes[-1, 1] < slopes[-1, 0]


@claim('With too small a learning rate gradient descent is slow along $x_1$; with too large a '
       'one it crosses the minimum along $x_2$ again and again, and diverges.',
       source='document C')
def slow_or_divergent():
    small, large = walk('sgd', lr=0.4), walk('sgd', lr=0.6)
    assert onp.allclose(small[-1], (-0.943467, -0.000073), atol=5e-7)
    assert onp.allclose(large[-1], (-0.387814, -1673.365109), atol=5e-6)
    assert (large[1:, 1] * large[:-1, 1] < 0).all() and (onp.diff(abs(large[:, 1])) > 0).all()


@claim('The velocity of momentum is the change of the gradient.',
       source='document C', verdict='false',
       correction='It is a weighted sum of all gradients so far.')
def what_the_velocity_is():
    path = walk('sgd_momentum', lr=0.1, momentum=0.5)
    gradients, steps = path[:-1] * CURVATURES, onp.diff(path, axis=0)
    sums = [sum(0.5 ** (t - i) * gradients[i] for i in range(t + 1)) for t in range(20)]
    assert onp.allclose(steps, -0.1 * onp.array(sums))
    assert not onp.allclose(steps[1:], -0.1 * onp.diff(gradients, axis=0), atol=0.1)


@claim('With momentum the second step is $-\\epsilon (g_2 + a g_1)$: two gradients of the same '
       'sign make it longer.',
       source='document C')
def same_sign():
    path = walk('sgd_momentum', steps=2, lr=0.4, momentum=0.5)
    g1, g2 = path[:2] * CURVATURES
    assert onp.allclose(path[2] - path[1], -0.4 * (g2 + 0.5 * g1))
    assert g1[0] * g2[0] > 0 and abs(path[2] - path[1])[0] > 0.4 * abs(g2[0])


@claim('Two gradients of opposite sign hold each other back, so that momentum damps.',
       source='document C', verdict='only if',
       correction='The second step is shorter than without momentum if $a |g_1| < 2 |g_2|$.')
def opposite_sign():
    def second_step(g1, g2):
        p = np.zeros(1, dtype='float64')
        p.attach_grad()
        v, before = np.zeros_like(p), 0.0
        for g in (g1, g2):
            before = float(p[0])
            p.grad[:] = g
            gluon_opt.sgd_momentum([p], [v], {'lr': 1.0, 'momentum': 0.5})
        return abs(float(p[0]) - before)
    for g1 in (-1, -2, -3.9):
        assert second_step(g1, 1) < 1
    for g1 in (-4.1, -8):
        assert second_step(g1, 1) > 1


@claim('Along $x_1$ all gradients of the example are positive, to the right; along $x_2$ their '
       'sign changes.',
       source='document C', verdict='false',
       correction='The steps along $x_1$ go to the right; the gradients there are negative. '
                  'Along $x_2$ the sign does change.')
def signs_in_the_valley():
    path = walk('sgd', lr=0.4)
    gradients = path[:-1] * CURVATURES
    assert (gradients[:, 0] < 0).all() and (onp.diff(path[:, 0]) > 0).all()
    assert (gradients[1:, 1] * gradients[:-1, 1] < 0).all()


@claim('Momentum allows a larger learning rate.',
       source='document C')
def a_larger_rate():
    start = onp.linalg.norm(BOWL.start)
    assert abs(walk('sgd', lr=0.6)[-1, 1]) > 100 * start
    assert onp.linalg.norm(walk('sgd_momentum', lr=0.6, momentum=0.5)[-1]) < 0.01
    # for curvature 4 the edge is 2 / 4 without momentum and (2 + 2 momentum) / 4 with it
    for rate, converges in ((0.74, True), (0.76, False)):
        end = walk('sgd_momentum', steps=400, lr=rate, momentum=0.5)[-1, 1]
        assert (abs(end) < 1) == converges


@claim('The velocity may be kept with the rate inside, $m_t = \\beta m_{t-1} + (1-\\beta) '
       '\\frac{\\eta_t}{1-\\beta} g_t$, or outside, $x_t = x_{t-1} - \\frac{\\eta_t}{1-\\beta} '
       'm_t$: two versions of one method.',
       source='document C', verdict='only if',
       correction='If $\\eta_t$ is constant.')
def two_scalings():
    def inside(rates, x=-5.0, m=0.0):
        for eta in rates:
            m = 0.9 * m + 0.1 * (eta / 0.1 * 0.2 * x)
            x -= m
        return x

    def ours(rates):
        p = np.array([-5.0], dtype='float64')
        p.attach_grad()
        v = np.zeros_like(p)
        for eta in rates:
            p.grad[:] = 0.2 * p
            gluon_opt.sgd_momentum([p], [v], {'lr': eta, 'momentum': 0.9})
        return float(p[0])
    constant, dropped = [0.1] * 20, [0.1] * 10 + [0.01] * 10
    assert abs(inside(constant) - ours(constant)) < 1e-12
    assert abs(inside(dropped) - ours(dropped)) > 1


@claim('Nesterov takes the gradient at $w_t - \\alpha m_{t-1} / \\sqrt{V_{t-1}}$, the point that '
       'the old velocity would lead to.',
       source='document C', verdict='only if',
       correction='With $V = 1$ and a factor $\\mu$ before $m_{t-1}$; then it is what Gluon '
                  'does, after a change of variable.')
def look_ahead_point():
    def gradient(x1, x2):
        return 0.2 * x1, 4 * x2
    lr, mu = 0.1, 0.5
    ours = walk('nag', lr=lr, momentum=mu)
    w = onp.array(walk_2d(nag_2d(lr, mu), 20, gradient), 'float64')
    velocities = -onp.diff(w, axis=0) / lr
    assert onp.allclose(w[1:] - lr * mu * velocities, ours[1:])
    assert not onp.allclose(w[1:] - lr * velocities, ours[1:], atol=0.01)


@claim("Nesterov's gradient helps to leave a basin in which plain descent gets stuck.",
       source='document C', verdict='only if',
       correction='Speed carries it over the rim: plain momentum does it as well, at some '
                  'settings one of the two crosses and the other does not, and from rest none '
                  'does.')
def out_of_the_basin():
    rates, momenta = onp.meshgrid(onp.linspace(0.005, 0.3, 30), onp.linspace(0, 0.96, 25))
    crossed = {}
    for name in ('sgd_momentum', 'nag'):
        p = np.full(rates.shape, 2, dtype='float64')
        p.attach_grad()
        v = np.zeros_like(p)
        hyperparams = {'lr': np.array(rates, dtype='float64'),
                       'momentum': np.array(momenta, dtype='float64')}
        for _ in range(500):
            p.grad[:] = p * (p * p - 1) + 0.15
            getattr(gluon_opt, name)([p], [v], hyperparams)
        crossed[name] = p.asnumpy() < -0.5
    momentum, nag = crossed['sgd_momentum'], crossed['nag']
    assert not nag[0].any() and nag.mean() > 0.3            # row 0 is plain descent
    assert (nag & ~momentum).any() and (momentum & ~nag).any()

    bottom = max(onp.roots([1, 0, -1, 0.15]).real)
    path = gluon_opt.trace('nag', lambda x: (x * x - 1) ** 2 / 4 + 0.15 * x, (bottom,),
                           {'lr': 0.1, 'momentum': 0.9}, 100)
    assert abs(path - bottom).max() < 1e-6


@claim('With $\\beta = 0.9$ the direction is mostly history and turns only a little towards the '
       'newest gradient.',
       source='document C', verdict='only if',
       correction='From the third step on; the newest gradient has weight $0.1 / (1 - 0.9^t)$ of '
                  'the whole.')
def mostly_history():
    share = [weights(0.9, t)[0] / weights(0.9, t).sum() for t in range(1, 51)]
    assert onp.allclose(share, [0.1 / (1 - 0.9 ** t) for t in range(1, 51)])
    assert share[1] > 0.5 > share[2] and abs(share[-1] - 0.1) < 0.001


@claim('Expanded, the leaky mean is $y_t = (1-\\beta) \\sum_{i=0}^{t} \\beta^i x_{t-i}$, with '
       'weights that add up to $1 - \\beta^t$.',
       source='document C', verdict='false',
       correction='The sum ends at $i = t - 1$; only so do the weights add up to $1 - \\beta^t$.')
def limit_of_the_sum():
    for beta, t in ((0.9, 5), (0.95, 20), (0.5, 1)):
        w = weights(beta, t)
        assert onp.allclose(w, (1 - beta) * beta ** onp.arange(t))
        assert abs(w.sum() - (1 - beta ** t)) < 1e-12
        assert (1 - beta) * sum(beta ** i for i in range(t + 1)) - w.sum() > 1e-3


@claim('$(1 - 1/n)^n$ tends to $e^{-1} \\approx 0.3679$, so that $\\beta^{1/(1-\\beta)}$ does as '
       '$\\beta \\to 1$, and $0.95^{20}$ is about $e^{-1}$.',
       source='document C')
def a_power_near_one_over_e():
    gaps = [onp.exp(-1) - (1 - 1 / n) ** n for n in (10, 20, 100, 1000, 10000)]
    assert all(a > b > 0 for a, b in zip(gaps, gaps[1:])) and gaps[-1] < 2e-5
    assert round(0.95 ** 20, 4) == 0.3585 and round(onp.exp(-1), 4) == 0.3679


@claim('With $\\beta = 0.95$, $y_t \\approx 0.05 \\sum_{i=0}^{19} 0.95^i x_{t-i}$: a mean of the '
       'last twenty values.',
       source='document C', verdict='only if',
       correction='As a rough guide: those twenty weights add up to 0.6415, not to 1.')
def twenty_values():
    w = weights(0.95, 400)
    assert round(w[:20].sum(), 4) == 0.6415 and abs(w.sum() - 1) < 1e-8


@claim('The nearer a value is to the present, the larger its weight, the closer to 1.',
       source='document C', verdict='only if',
       correction='Larger, yes; but the largest weight is $1 - \\beta$.')
def the_largest_weight():
    for beta in (0.9, 0.95):
        w = weights(beta, 50)
        assert (onp.diff(w) < 0).all() and abs(w[0] - (1 - beta)) < 1e-12


@claim('The update of momentum is about the leaky mean of the last $1/(1-\\beta)$ updates of '
       'plain descent, divided by $1 - \\beta$.',
       source='document C')
def momentum_is_a_leaky_mean():
    path = walk('sgd_momentum', lr=0.02, momentum=0.9)
    plain = 0.02 * path[:-1] * CURVATURES
    y = onp.zeros(2)
    for t in range(20):
        y = 0.9 * y + 0.1 * plain[t]
        assert onp.allclose(path[t] - path[t + 1], y / (1 - 0.9))


@claim('With AdaGrad the rate of each element falls or stays, and under gradients that stay away '
       'from zero it falls like $t^{-1/2}$.',
       source='document C')
def rate_of_adagrad():
    lengths = steady('adagrad', 100, lr=1)
    assert onp.allclose(lengths, onp.arange(1, 101) ** -0.5, rtol=1e-5)
    path = walk('adagrad', steps=50, lr=0.4)
    rates = -onp.diff(path, axis=0) / (path[:-1] * CURVATURES)
    assert (onp.diff(rates, axis=0) <= 1e-12).all()


@claim("AdaGrad's learning rate falls to 0, and training may end before there is a solution.",
       source='document C', verdict='only if',
       correction='If the sum of the squared gradients grows without bound; where the minimum is '
                  'reached fast that sum has a limit, and the rate stays positive.')
def rate_of_adagrad_can_stay():
    path = walk('adagrad', steps=200, lr=2)
    rates = -onp.diff(path[:, 0]) / (0.2 * path[:-1, 0])
    assert abs(path[-1, 0]) < 1e-6 and abs(rates[30] - rates[20]) < 1e-6 and rates[30] > 1
    slow = walk('adagrad', steps=20, lr=0.4)
    assert abs(slow[-1, 0]) > 2


@claim('AdaGrad can suffer from vanishing gradients.',
       source='document C', verdict='false',
       correction='The steps vanish, not the gradients.')
def steps_vanish():
    path = walk('adagrad', steps=100, lr=0.05)
    gradient, step = 0.2 * path[-2, 0], path[-1, 0] - path[-2, 0]
    assert abs(gradient) > 0.8 and abs(step) < 0.006


@claim('$\\sqrt{V_t}$ is always greater than 0.',
       source='document C', verdict='only if',
       correction='Once a gradient was not zero; until then only $\\epsilon$ keeps it from 0.')
def root_without_a_gradient():
    for name, hyperparams in (('adagrad', {'lr': 1}), ('rmsprop', {'lr': 1, 'gamma': 0.9})):
        p = np.ones(1)
        p.attach_grad()
        state = gluon_opt.init_states(name, [p])
        getattr(gluon_opt, name)([p], state, hyperparams)
        assert float(p[0]) == 1 and float(state[0][0]) == 0


@claim('Parameters that are seldom updated get a larger learning rate, which suits sparse data.',
       source='document C')
def seldom_used_parameters():
    p = np.zeros(2, dtype='float64')
    p.attach_grad()
    s = np.zeros_like(p)
    for t in range(1000):
        before = p.asnumpy()
        p.grad[:] = np.array([1, t % 100 == 99], dtype='float64')
        gluon_opt.adagrad([p], [s], {'lr': 1})
    often, seldom = before - p.asnumpy()
    assert onp.isclose(seldom / often, 10, rtol=1e-5)


@claim('RMSProp and Adadelta average the squares and so do not come to a stop as AdaGrad does.',
       source='document C')
def averages_do_not_stop():
    assert abs(steady('rmsprop', 300, lr=1, gamma=0.9)[-1] - 1) < 1e-5
    assert (onp.diff(steady('adadelta', 300, rho=0.9)[5:]) > 0).all()
    assert steady('adagrad', 300, lr=1)[-1] < 0.06


@claim('With learning rate 0.4 RMSProp comes nearer to the minimum of $0.1 x_1^2 + 2 x_2^2$, and '
       'faster, than AdaGrad.',
       source='document C')
def rmsprop_beside_adagrad():
    rmsprop, adagrad = walk('rmsprop', lr=0.4, gamma=0.9), walk('adagrad', lr=0.4)
    assert abs(rmsprop[-1, 0] - -0.010599) < 5e-7 and abs(adagrad[-1, 0] - -2.382563) < 5e-7
    assert (abs(rmsprop[1:, 0]) < abs(adagrad[1:, 0])).all()


@claim('Adadelta only needs the decay.',
       source='document C', verdict='only if',
       correction='If $\\epsilon$ suits the problem: it decides the first steps, which are '
                  '$\\sqrt{\\epsilon / ((1-\\rho) g^2 + \\epsilon)}$ times the gradient.')
def hidden_rate_of_adadelta():
    for eps in (1e-8, 1e-5, 1e-2):
        first = steady('adadelta', 1, rho=0.9, eps=eps)[0]
        assert onp.isclose(first, (eps / (0.1 + eps)) ** 0.5)
    ends = [walk('adadelta', steps=100, rho=0.9, eps=eps)[-1, 0] for eps in (1e-8, 1e-5, 1e-2)]
    assert ends[0] < -4.9 and ends[1] < -2 and ends[2] > -0.5


@claim('But for $\\epsilon$, Adadelta is RMSProp with $\\sqrt{\\Delta x_{t-1}}$ in place of '
       '$\\eta$.',
       source='document C', verdict='only if',
       correction='As a formula; but with $\\epsilon = 0$ Adadelta never moves, because $\\Delta '
                  'x_0 = 0$.')
def adadelta_without_eps():
    p = np.array([1.0], dtype='float64')
    p.attach_grad()
    p.grad[:] = 2
    s, delta = np.array([0.5], dtype='float64'), np.array([0.09], dtype='float64')
    q, r = p.copy(), s.copy()
    q.attach_grad()
    q.grad[:] = 2
    gluon_opt.adadelta([p], [(s, delta)], {'rho': 0.9, 'eps': 0})
    gluon_opt.rmsprop([q], [r], {'lr': 0.09 ** 0.5, 'gamma': 0.9, 'eps': 0})
    assert abs(float(p[0]) - float(q[0])) < 1e-12
    still = walk('adadelta', steps=50, rho=0.9, eps=1e-30)
    assert abs(still - onp.array(BOWL.start)).max() < 1e-9


@claim('Nadam is Nesterov and Adam in one.',
       source='document C')
def nadam_contains_nag():
    # eps so large that the root does not count, t so late that nothing is corrected
    nadam = walk('nadam', lr=0.1 / 0.5 * 1e9, beta1=0.5, eps=1e9, t=10000)
    assert abs(nadam - walk('nag', lr=0.1, momentum=0.5)).max() < 1e-6
    late = walk('nadam', lr=0.1, beta1=0, eps=1e-8), walk('adam', lr=0.1, beta1=0, eps=1e-8)
    assert abs(late[0] - late[1]).max() < 1e-12


@claim('AdaGrad, RMSProp, Adadelta and Adam give each element a learning rate of its own.',
       source='document C')
def a_rate_for_each_element():
    for name, hyperparams in (('adagrad', {'lr': 0.4}), ('rmsprop', {'lr': 0.4, 'gamma': 0.9}),
                              ('adadelta', {'rho': 0.9}), ('adam', {'lr': 0.4})):
        steeper = gluon_opt.trace(name, lambda x1, x2: 0.1 * x1 ** 2 + 200 * x2 ** 2,
                                  BOWL.start, hyperparams)
        own = walk(name, **hyperparams)
        assert onp.allclose(steeper[:, 0], own[:, 0], atol=1e-12)
        # a hundred times the slope hardly changes the path
        assert onp.allclose(steeper[:, 1], own[:, 1], atol=1e-2)


@claim('Momentum, AdaGrad and RMSProp keep one array of state for each parameter, Adadelta and '
       'Adam two, all of its shape.',
       source='document C')
def arrays_of_state():
    p = np.zeros((3, 2))
    for name, count in (('sgd_momentum', 1), ('adagrad', 1), ('rmsprop', 1), ('adadelta', 2),
                        ('adam', 2)):
        state = gluon_opt.init_states(name, [p])[0]
        state = state if isinstance(state, tuple) else (state,)
        assert [s.shape for s in state] == [p.shape] * count


@claim('At the bend of a road a car that is fast turns only a little: momentum overshoots.',
       source='document C')
def overshooting():
    beale = SURFACES['beale']
    plain, fast = (gluon_opt.trace('sgd_momentum', beale.f, beale.start,
                                   {'lr': 0.01, 'momentum': momentum}, 60)
                   for momentum in (0, 0.8))
    assert plain[:, 1].min() > 0 and fast[:, 1].min() < -2
