"""Claims of the page on gradient descent."""
import math

import numpy as onp
from mxnet import np

import gluon_opt
from ledger import claim

C = 0.15 * math.pi


def f_cos(x):
    return x * math.cos(C * x)


def f_cos_grad(x):
    return math.cos(C * x) - C * x * math.sin(C * x)


def f_cos_hess(x):
    return -2 * C * math.sin(C * x) - C ** 2 * x * math.cos(C * x)


def descend(eta, f=lambda x: x ** 2, steps=10):
    """The package's rule `sgd` on a function of one variable, from 10."""
    return gluon_opt.trace('sgd', f, (10,), {'lr': eta}, steps)[:, 0]


def descend_cos(eta, steps=10):
    return descend(eta, lambda x: x * np.cos(C * x), steps)


def newton(eta, grad, hess, x, steps=10):
    path = [x]
    for _ in range(steps):
        path.append(path[-1] - eta * grad(path[-1]) / hess(path[-1]))
    return path


@claim(r'Ten steps on $x^2$ from 10 with $\eta = 0.2$ end at $x = 0.060466$.',
       source='book, Gradient Descent')
def ten_steps():
    assert abs(descend(0.2)[-1] - 0.060466) < 5e-7


@claim(r'A small enough learning rate lowers the objective at every step that starts where the '
       r'derivative is not zero.', source='book, Gradient Descent')
def small_enough_steps_go_down():
    for x in onp.linspace(-30, 30, 601):
        reach = abs(x) + 1
        curvature = 2 * C + C ** 2 * reach      # no larger within a step of length 1
        eta = min(1 / curvature, 1 / (1 + C * reach))
        if abs(f_cos_grad(x)) > 1e-3:
            assert f_cos(x - eta * f_cos_grad(x)) < f_cos(x)


@claim(r'With too small a learning rate the walk is slow: at $\eta = 0.05$ ten steps from 10 end '
       r'at 3.486784.', source='book, Gradient Descent')
def too_small():
    path = descend(0.05)
    assert abs(path[-1] - 3.486784) < 5e-7
    assert (onp.diff(path) < 0).all() and path[-1] > 50 * descend(0.2)[-1]


@claim(r'With too large a learning rate the walk diverges: at $\eta = 1.1$ each step ends farther '
       r'away, the tenth at 61.917364.', source='book, Gradient Descent')
def too_large():
    path = descend(1.1)
    assert abs(path[-1] - 61.917364) < 5e-7
    assert (onp.diff(onp.abs(path)) > 0).all()


@claim(r'$x \cos(c x)$ has infinitely many local minima.', source='book, Gradient Descent')
def infinitely_many_minima():
    def minima(reach):
        values = [f_cos(x) for x in onp.linspace(-reach, reach, 200 * reach + 1)]
        a, b, c = map(onp.array, (values[:-2], values[1:-1], values[2:]))
        return ((b < a) & (b < c)).sum()
    # a new one with every period of the cosine, on either side
    assert abs(minima(400) / minima(40) - 10) < 0.5
    assert minima(400) == minima(200) + 2 * round(200 * C / (2 * math.pi))


@claim(r'On $x \cos(c x)$ a large learning rate, $\eta = 2$ from 10, leads to a poor local '
       r'minimum; ten steps end at $-1.528166$.', source='book, Gradient Descent')
def poor_local_minimum():
    assert abs(descend_cos(2)[-1] + 1.528166) < 5e-7
    large, small = descend_cos(2, 300)[-1], descend_cos(0.2, 100)[-1]
    for x in large, small:
        assert abs(f_cos_grad(x)) < 1e-3 and f_cos_hess(x) > 0
    assert f_cos(large) > -1.2 and f_cos(small) < -6.9


@claim(r'Of all directions of the same length, the negative gradient is the one of steepest '
       r'descent.', source='book, Gradient Descent')
def steepest_descent():
    x, step = onp.array([-5.0, -2.0]), 1e-6
    angles = onp.linspace(0, 2 * math.pi, 721)
    to = x[:, None] + step * onp.array([onp.cos(angles), onp.sin(angles)])
    best = angles[(to[0] ** 2 + 2 * to[1] ** 2).argmin()]
    gradient = onp.array([2 * x[0], 4 * x[1]])
    steepest = math.atan2(-gradient[1], -gradient[0])
    assert abs(best - steepest) < math.radians(0.5)


@claim(r'Twenty steps on $x_1^2 + 2 x_2^2$ from $(-5, -2)$ with $\eta = 0.1$ end at $x_1 = '
       r'-0.057646$, $x_2 = -0.000073$: well behaved but slow.', source='book, Gradient Descent')
def twenty_steps_in_2d():
    path = gluon_opt.trace('sgd', lambda x1, x2: x1 ** 2 + 2 * x2 ** 2, (-5, -2), {'lr': 0.1}, 20)
    assert abs(path[-1] - [-0.057646, -0.000073]).max() < 5e-7
    assert (onp.diff(path, axis=0) > 0).all()           # no step overshoots in any coordinate
    best = 2 / (2 + 4)                                  # the best constant learning rate
    assert abs(path[-1, 0]) > 1e6 * 5 * abs(1 - 2 * best) ** 20


@claim('The contours of the two-dimensional figure cover the window from $-5.5$ to 1 and from '
       '$-3$ to 1.', source='book, Gradient Descent', verdict='false',
       correction='In the MXNet edition the grid ends at 0 on both axes, with the minimum in its '
       'corner; that of the other editions ends at 0.9.')
def contour_window():
    x1, x2 = np.meshgrid(np.arange(-55, 1, 1), np.arange(-30, 1, 1))
    assert float(x1.max()) == 0 and float(x2.max()) == 0
    assert abs(onp.arange(-5.5, 1.0, 0.1).max() - 0.9) < 1e-9


@claim('The Hessian of $d$ parameters has $d^2$ entries, too many to store for a deep network.',
       source='book, Gradient Descent')
def entries_of_the_hessian():
    lenet = 25 * 6 + 6 + 25 * 6 * 16 + 16 + 256 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10
    gigabytes = 4 * lenet ** 2 / 1e9        # float32, for one of the smallest networks there is
    assert gigabytes > 1


@claim(r"On $\frac{1}{2} x^2$ Newton's method needs one step, from anywhere.",
       source='book, Gradient Descent')
def newton_on_a_quadratic():
    for x in -1e6, -3.0, 0.1, 10.0:
        assert newton(1, lambda x: x, lambda x: 1, x, steps=1)[-1] == 0


@claim(r"On $\cosh(0.5 x)$ Newton's method is at the minimum after a few steps from 10.",
       source='book, Gradient Descent')
def newton_on_cosh():
    path = newton(1, lambda x: 0.5 * math.sinh(0.5 * x), lambda x: 0.25 * math.cosh(0.5 * x), 10.0)
    assert path[-1] == 0 and abs(path[8]) < 1e-6


@claim(r"On $x \cos(c x)$ Newton's method goes wrong: from 10 it ends at 26.8341, as it walks "
       'uphill where the second derivative is negative.', source='book, Gradient Descent')
def newton_ends_on_a_maximum():
    path = newton(1, f_cos_grad, f_cos_hess, 10.0)
    assert abs(path[-1] - 26.8341) < 5e-5
    assert abs(f_cos_grad(path[-1])) < 1e-9 and f_cos_hess(path[-1]) < 0
    assert f_cos(path[-1]) > f_cos(path[3]) > f_cos(path[0])


@claim("Dividing by the absolute value of the second derivative mends Newton's method where the "
       'function is not convex.', source='book, Gradient Descent', verdict='only if',
       correction=r'The direction is downhill then. That the value falls also needs a step that '
       r'is short enough: from 10 the second step still jumps from 5 to 25 and uphill, and the '
       r'walk ends in a minimum farther out.')
def absolute_value_of_the_curvature():
    path = newton(1, f_cos_grad, lambda x: abs(f_cos_hess(x)), 10.0, steps=20)
    for x, x_next in zip(path, path[1:]):
        assert (x_next - x) * f_cos_grad(x) <= 0
    assert f_cos(path[2]) > f_cos(path[1]) + 10
    assert f_cos_hess(path[-1]) > 0 and path[-1] > 20


@claim(r"Half the step, $\eta = 0.5$, keeps Newton's method on $x \cos(c x)$ in the valley next to "
       'its start at 10: ten steps end at 7.2699.', source='book, Gradient Descent')
def newton_with_half_the_step():
    path = newton(0.5, f_cos_grad, f_cos_hess, 10.0, steps=60)
    assert abs(path[10] - 7.2699) < 5e-5
    assert abs(f_cos_grad(path[-1])) < 1e-12 and f_cos_hess(path[-1]) > 0


@claim(r"The error of Newton's method obeys $e_{k+1} = \frac{1}{2} e_k^2 f'''(\xi) / f''(x_k)$ "
       r"with some $\xi$ between $x_k$ and the minimum.", source='book, Gradient Descent')
def error_of_newton():
    path = newton(1, lambda x: math.exp(x) - 1, math.exp, 1.0, steps=4)     # of e^x - x, at 0
    for e, e_next in zip(path, path[1:]):
        third = 2 * e_next / e ** 2 * math.exp(e)
        assert math.exp(0) < third < math.exp(e)        # f''' is e^x, increasing


@claim(r'$|e_{k+1}| \leq c\, e_k^2$ is called linear convergence, and $|e_{k+1}| \leq '
       r'\alpha |e_k|$ a constant rate of convergence.', source='book, Gradient Descent',
       verdict='false', correction='The first is quadratic convergence; the second is linear '
       'convergence: the logarithm of the error falls along a straight line.')
def names_of_the_rates():
    newton_errors = newton(1, lambda x: math.exp(x) - 1, math.exp, 1.0, steps=5)
    gd_errors = descend(0.2)
    for errors, order in (newton_errors, 2), (gd_errors, 1):
        a, b, c = onp.log(errors[-3:])
        # the order of convergence, estimated from the last three errors
        assert abs((c - b) / (b - a) - order) < 0.15


@claim("In convex problems Newton's method is a lot faster than gradient descent once it has "
       'started to work.', source='book, Gradient Descent')
def faster_once_it_works():
    path = newton(1, lambda x: math.exp(x) - 1, math.exp, 1.0, steps=6)
    slow = gluon_opt.trace('sgd', lambda x: np.exp(x) - x, (1,), {'lr': 0.5}, 30)[:, 0]
    assert abs(path[-1]) < 1e-15 < 1e-10 < abs(slow[-1])
    # "once it has": on the convex sqrt(1 + x^2) it diverges from anywhere beyond 1
    away = newton(1, lambda x: x / math.hypot(1, x), lambda x: math.hypot(1, x) ** -3, 2.0, steps=3)
    assert abs(away[-1]) > 1e6


@claim('Preconditioning by the diagonal of the Hessian amounts to a learning rate of its own for '
       'each coordinate, and undoes a change of units.', source='book, Gradient Descent')
def preconditioning():
    def f(x1, x2):
        return x1 ** 2 + x1 * x2 + x2 ** 2

    def diagonal_newton(p, states, hyperparams):
        p[0].grad[:] /= hyperparams['diagonal']
        gluon_opt.sgd(p, states, hyperparams)

    same = {}
    for unit in 1, 1e6:
        path = gluon_opt.trace(
            diagonal_newton, lambda x1, x2, unit=unit: f(x1, unit * x2), (1, 0),
            {'lr': 0.9, 'diagonal': np.array([2, 2 * unit ** 2], dtype='float64')}, 20, states=0)
        same[unit] = path * [1, unit]
    assert abs(same[1] - same[1e6]).max() < 1e-9
    assert abs(same[1][-1]).max() < 1e-4


@claim('Gradient descent with an exact line search converges rapidly.',
       source='book, Gradient Descent', verdict='only if',
       correction=r'The problem has to be well conditioned: on a quadratic with condition number '
       r'$\kappa$ a step can leave the share $((\kappa - 1) / (\kappa + 1))^2$ of the objective, '
       r'which is close to 1 for a large $\kappa$.')
def line_search():
    for kappa, few in (2, True), (1000, False):
        curvatures, x = onp.array([1, kappa]), onp.array([kappa, 1.0])
        first = (curvatures * x ** 2).sum()
        for _ in range(20):
            g = curvatures * x
            x = x - (g @ g) / (g @ (curvatures * g)) * g
        left = (curvatures * x ** 2).sum() / first
        assert abs(left / ((kappa - 1) / (kappa + 1)) ** 40 - 1) < 1e-6
        assert (left < 1e-18) == few and (left > 0.9) != few


@claim(r'Bisection finds the minimum of $\log(\exp(x) + \exp(-2x - 3))$ from the signs of the '
       r'derivative alone, and halves the interval with each step.',
       source='book, Gradient Descent, exercises')
def bisection():
    a, b, exact = -3.0, 4.0, (math.log(2) - 3) / 3
    assert abs(exact + 0.768951) < 5e-7
    for k in range(1, 51):
        x = (a + b) / 2
        slope = math.exp(x) - 2 * math.exp(-2 * x - 3)      # times something positive
        a, b = (a, x) if slope > 0 else (x, b)
        assert a <= exact <= b and abs(b - a - 7 / 2 ** k) < 1e-12
    assert abs(math.log(math.exp(a) + math.exp(-2 * a - 3)) + 0.363486) < 5e-7


@claim(r'Rotated by 45 degrees, a quadratic with condition number $\kappa$ gains nothing from the '
       r'diagonal of its Hessian: a step leaves $(\kappa - 1) / (\kappa + 1)$ of the error, where '
       r'without the rotation one step is enough.', source='book, Gradient Descent, exercises')
def rotation():
    turn = onp.array([[1, -1], [1, 1]]) / math.sqrt(2)
    bowl, start = onp.diag([0.2, 4.0]), onp.array([-5.0, -2.0])
    left = {}
    for name, hessian in ('axes', bowl), ('rotated', turn @ bowl @ turn.T):
        x = start - hessian @ start / hessian.diagonal()
        left[name] = onp.linalg.norm(x) / onp.linalg.norm(start)
    assert left['axes'] == 0 and abs(left['rotated'] - 19 / 21) < 1e-12
