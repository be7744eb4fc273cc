"""Claims of the page on Adam."""
from mxnet import np

import gluon_opt
from ledger import claim


@claim('With $\\beta_1 = 0.9$ the first moment after one step is $0.1$ times the gradient.',
       source='documents A and C')
def first_moment_after_one_step():
    p = np.array([1.0])
    p.attach_grad()
    p.grad[:] = 2
    states = gluon_opt.init_states('adam', [p])
    gluon_opt.adam([p], states, {'lr': 0.01, 't': 1})
    assert abs(float(states[0][0][0]) - 0.2) < 1e-7
