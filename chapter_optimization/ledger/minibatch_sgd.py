"""Claims of the page on minibatches."""
import numpy as onp
import pytest
from mxnet import np

import gluon_opt
from gluon_opt.data import Batches, load_airfoil
from ledger import claim


def with_ones(data):
    return onp.column_stack([data.features, onp.ones(len(data.labels))])


def gradients(data, w):
    X = with_ones(data)
    return X * (X @ w - data.labels)[:, None]


def largest_curvature(data):
    X = with_ones(data)
    return onp.linalg.eigvalsh(X.T @ X / len(X))[-1]


def descend(data, lr, steps):
    """Full-batch losses of our `sgd` from zero, in float64."""
    X, y = with_ones(data), data.labels
    p = np.zeros(X.shape[1], dtype='float64')
    p.attach_grad()
    losses = []
    for _ in range(steps + 1):
        w = p.asnumpy()
        losses.append(((X @ w - y) ** 2).mean() / 2)
        p.grad[:] = np.array(X.T @ (X @ w - y) / len(y), dtype='float64')
        gluon_opt.sgd([p], None, {'lr': lr})
    return losses


def least(data):
    w = onp.linalg.lstsq(with_ones(data), data.labels, rcond=None)[0]
    return ((with_ones(data) @ w - data.labels) ** 2).mean() / 2


@claim(r'The product of two $256 \times 256$ matrices takes 0.03 billion floating point '
       'operations.',
       source='book, Minibatch Stochastic Gradient Descent', verdict='only if',
       correction='It is rounded down: $256^3$ multiplications and as many additions are '
                  '33,554,432 operations, 0.0336 billion.')
def operations_of_a_product():
    assert 256 ** 3 * 2 == 33_554_432
    assert int(256 ** 3 * 2 / 1e9 * 100) / 100 == 0.03


@claim(r'Sixteen cores at 2 GHz with AVX-512 can process about $10^{12}$ bytes a second, and a '
       'memory that delivers 100 GB a second feeds less than a tenth of that.',
       source='book, Minibatch Stochastic Gradient Descent')
def bytes_a_second():
    bytes_per_second = 2e9 * 16 * 32
    assert bytes_per_second == pytest.approx(1e12, rel=0.03)
    assert 100e9 / bytes_per_second < 0.1


@claim('A minibatch whose examples are drawn uniformly leaves the expectation of the gradient '
       'unchanged.', source='book, Minibatch Stochastic Gradient Descent')
def unbiased():
    g = gradients(load_airfoil(), onp.ones(6))
    order = onp.random.RandomState(0).permutation(len(g))
    means = g[order].reshape(-1, 10, 6).mean(axis=1)        # each example in one batch
    assert onp.allclose(means.mean(axis=0), g.mean(axis=0), atol=1e-12)


@claim('The standard deviation of a minibatch gradient falls by the factor $b^{-1/2}$.',
       source='book, Minibatch Stochastic Gradient Descent', verdict='only if',
       correction='The $b$ examples are drawn independently, with replacement. Loops that shuffle '
                  r'draw without, and the factor is $b^{-1/2} \sqrt{(n - b) / (n - 1)}$.')
def scatter_of_a_minibatch():
    g = gradients(load_airfoil(), onp.zeros(6))
    n, b, random = len(g), 500, onp.random.RandomState(0)

    def scatter(draw):
        means = [g[draw()].mean(axis=0) for _ in range(1000)]
        return onp.sqrt(onp.var(means, axis=0).sum() / g.var(axis=0).sum())

    replaced = scatter(lambda: random.randint(n, size=b))
    shuffled = scatter(lambda: random.permutation(n)[:b])
    assert replaced == pytest.approx(b ** -0.5, rel=0.06)       # 3 standard errors of 1000 draws
    assert shuffled == pytest.approx((b * (n - 1) / (n - b)) ** -0.5, rel=0.06)


@claim('A hundred times as many examples in a batch make the gradient ten times as exact.',
       source='book, Minibatch Stochastic Gradient Descent')
def diminishing_returns():
    assert (100 ** -0.5) == pytest.approx(1 / 10)
    g = gradients(load_airfoil(), onp.zeros(6))[:, 0]
    random = onp.random.RandomState(0)
    scatter = [onp.std([g[random.randint(len(g), size=b)].mean() for _ in range(1000)])
               for b in (2, 200)]
    assert scatter[0] / scatter[1] == pytest.approx(10, rel=0.1)


@claim('The airfoil data are whitened before training.',
       source='book, Minibatch Stochastic Gradient Descent', verdict='false',
       correction='They are standardised, each column by itself; the columns remain correlated, '
                  'the angle of attack and the displacement thickness by 0.75.')
def whitened():
    X = load_airfoil().features
    assert onp.allclose(X.mean(axis=0), 0, atol=0.01)       # over 1503 rows it is exact
    assert onp.allclose(X.std(axis=0), 1, atol=0.01)
    assert onp.corrcoef(X.T)[1, 4] == pytest.approx(0.75, abs=0.005)


@claim('Gradient descent with learning rate 1 stalls after six steps on the airfoil data.',
       source='book, Minibatch Stochastic Gradient Descent', verdict='false',
       correction='On five features it slowly diverges: the largest eigenvalue of the Hessian is '
                  '2.0985, above 2, so that one direction grows by the factor 1.0985 a step.')
def gradient_descent_at_1():
    losses = descend(load_airfoil(), 1, 60)
    largest = largest_curvature(load_airfoil())
    assert largest == pytest.approx(2.0985, abs=5e-5)
    assert onp.argmin(losses) == 6
    assert losses[60] > 10 * losses[0]
    growth = (losses[60] - least(load_airfoil())) / (losses[59] - least(load_airfoil()))
    assert growth == pytest.approx((1 - largest) ** 2, rel=1e-3)    # others have died out


@claim('With the four features of the first edition gradient descent at learning rate 1 has '
       'flattened out after six steps.', source='d2l-zh v1, Minibatch Stochastic Gradient Descent')
def gradient_descent_on_four_features():
    losses = descend(load_airfoil('ch7'), 1, 60)
    largest = largest_curvature(load_airfoil('ch7'))
    assert largest == pytest.approx(1.5724, abs=5e-5)
    assert losses[6] - losses[60] < 0.002 * (losses[0] - losses[60])
    assert losses[60] == pytest.approx(least(load_airfoil('ch7')), abs=1e-9)


@claim('Losses of about 0.258 and of about 0.245 in two editions mean that the later runs are '
       'better.', source='documents A, B and D', verdict='false',
       correction='They belong to different data: four features and 1503 rows have the least loss '
                  '0.257713, five features and 1500 rows 0.241688.')
def two_data_sets():
    assert load_airfoil().features.shape == (1500, 5)
    assert load_airfoil('ch7').features.shape == (1503, 4)
    assert least(load_airfoil('ch7')) == pytest.approx(0.257713, abs=1e-6)
    assert least(load_airfoil()) == pytest.approx(0.241688, abs=1e-6)


@claim('The loop records the loss whenever 200 more examples have been seen.',
       source='book, Minibatch Stochastic Gradient Descent', verdict='only if',
       correction='The batch size divides 200. The test is whether the count is a multiple of 200, '
                  'so that batches of 1500 leave five points in ten epochs, and none in one epoch.')
def points_of_the_curve():
    def points(batch_size, num_epochs):
        counts = batch_size * onp.arange(1, num_epochs * 1500 // batch_size + 1)
        return int((counts % 200 == 0).sum())

    assert points(10, 2) == 15 and points(100, 2) == 15
    assert points(1500, 10) == 5 and points(1500, 1) == 0
    everything, _ = gluon_opt.get_data_ch10(1500)
    record = gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 0.5}, everything, 5, 10, seed=0)
    assert len(record.losses) == 11         # ours: one before training and one an epoch


@claim('SGD on single examples takes more time for an epoch than gradient descent.',
       source='book, Minibatch Stochastic Gradient Descent')
def time_of_an_epoch():
    seconds = [gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 0.005}, part(size), 5, epochs,
                                    seed=0).sec_per_epoch for size, epochs in ((1, 1), (300, 5))]
    assert seconds[0] > 3 * seconds[1]      # 300 steps against 1, so far above


def part(batch_size):
    return Batches(load_airfoil().features[:300], load_airfoil().labels[:300], batch_size)


@claim('An epoch with batches of 100 takes less time than an epoch of gradient descent.',
       source='book, Minibatch Stochastic Gradient Descent', verdict='false',
       correction='It is fifteen steps instead of one, and a step costs mostly calls; an older '
                  'edition says that it takes longer.')
def time_of_an_epoch_of_100():
    def fastest_step(batch_size, num_epochs):
        record = gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 0.4},
                                      gluon_opt.get_data_ch10(batch_size)[0], 5, num_epochs, seed=0)
        steps = onp.diff(record.examples) / batch_size
        return (onp.diff(record.times) / steps).min()

    assert 15 * fastest_step(100, 4) > fastest_step(1500, 20)


@claim('SGD converges faster than gradient descent in the number of examples seen.',
       source='book, Minibatch Stochastic Gradient Descent')
def progress_per_example():
    one, everything = (gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': lr},
                                            gluon_opt.get_data_ch10(size)[0], 5, 1, seed=0)
                       for lr, size in ((0.005, 1), (0.9, 1500)))
    assert one.examples[-1] <= everything.examples[-1] == 1500
    assert one.loss < everything.loss - 0.01


@claim('The Gluon implementation with learning rate 0.05 behaves identically.',
       source='book, Minibatch Stochastic Gradient Descent', verdict='only if',
       correction='Start and batches are the same; then the parameters agree to float32 rounding.')
def the_same_by_gluon():
    row = gluon_opt.compare('sgd', num_epochs=1).rows[0]
    assert row['gap'] < 5e-7                # a few ulps of parameters below 1
    data = [gluon_opt.train_gluon_ch10('sgd', {'learning_rate': 0.05},
                                       gluon_opt.get_data_ch10(10)[0], 1, seed=seed).loss
            for seed in (0, 1)]
    assert abs(data[0] - data[1]) > 1e-5    # with other draws they are not


@claim('If every example is in the data twice, gradient descent does not change.',
       source='book, Minibatch Stochastic Gradient Descent, exercise 4')
def evil_genie():
    data = load_airfoil()
    twice = data._replace(features=onp.concatenate([data.features] * 2),
                          labels=onp.concatenate([data.labels] * 2))
    assert onp.allclose(descend(twice, 0.9, 20), descend(data, 0.9, 20), rtol=1e-12)


@claim('In the noisy quadratic model ($h_i = 1/i$, gradient variance $h_i / b$, $d = 1000$) the '
       'steps to a target first fall in proportion to the batch size, then not at all.',
       source='Zhang et al. 2019')
def noisy_quadratic_model():
    h, lrs = 1 / onp.arange(1, 1001), onp.geomspace(2e-3, 1.95, 60)[:, None]

    def loss_after(t, lr, b):
        floor = lr / (b * (2 - lr * h))
        return (h / 2 * (floor + (1 - floor) * (1 - lr * h) ** (2 * t))).sum(axis=-1)

    def steps(b):
        low, high = onp.zeros_like(lrs), onp.full_like(lrs, 2 ** 20)
        reached = loss_after(high, lrs, b) <= 0.01
        for _ in range(21):
            middle = (low + high) / 2
            there = (loss_after(middle, lrs, b) <= 0.01)[:, None]
            low, high = onp.where(there, low, middle), onp.where(there, middle, high)
        return high[reached].min()

    assert steps(2) / steps(32) == pytest.approx(16, rel=0.1)
    assert steps(2 ** 14) / steps(2 ** 18) == pytest.approx(1, abs=0.05)

    x = np.ones((20, 1000))         # the model's formula, against our rule
    x.attach_grad()
    random = onp.random.RandomState(0)
    for _ in range(50):
        x.grad[:] = np.array(h * x.asnumpy() + random.normal(size=x.shape) * (h / 16) ** 0.5)
        gluon_opt.sgd([x], None, {'lr': 0.07})
    measured = (h / 2 * x.asnumpy() ** 2).sum(axis=1).mean()
    assert measured == pytest.approx(loss_after(50, 0.07, 16), rel=0.05)
