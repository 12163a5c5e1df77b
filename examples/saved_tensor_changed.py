"""exp(x) - 1, whose derivative is exp(x). It is kept for the backward pass, and then 1 is subtracted in place: what was
kept is another number by then. As it is no tensor that PyTorch keeps itself, PyTorch does not notice."""

import torch

from gradproof import check_grads


class Wrong(torch.autograd.Function):
    """Keeps the exponential itself, which it then changes."""

    @staticmethod
    def forward(ctx, x):
        """exp(x) - 1"""
        ctx.y = torch.exp(x)
        return ctx.y.sub_(1)

    @staticmethod
    def backward(ctx, d):
        """d times the exponential"""
        return d * ctx.y


class Right(Wrong):
    """Keeps the exponential, and gives another tensor."""

    @staticmethod
    def forward(ctx, x):
        """exp(x) - 1"""
        ctx.y = torch.exp(x)
        return ctx.y - 1


wrong, right = Wrong.apply, Right.apply


def arguments():
    """Three numbers."""
    return (torch.tensor([0.5, -1.25, 3.0], dtype=torch.float64, requires_grad=True),)


if __name__ == "__main__":
    check_grads(wrong, arguments())
