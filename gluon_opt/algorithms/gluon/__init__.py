"""Rules in Gluon's form: what MXNet 1.9.1 executes, where that is not the book's rule."""
