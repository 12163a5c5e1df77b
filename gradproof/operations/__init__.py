"""The sweep over every differentiable operation of every framework, by the framework's own lists: what is tried, in
processes that may die, the rows that they leave, and the tables that are made of them."""
