"""Errors that people make, put into Python code one at a time.

`errors` reads code and gives one changed copy of it for every place at
which one of the errors of KINDS is possible. What only shows something is
left alone, and so are assertions, messages and type hints: they are no part
of an answer, and an assertion that is wrong is no error in what it checks.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

# Calls that only show something, and their arguments.
SHOWING = ("print", "display", "plots", "show", "plt")
# Words that stand for one another in a wrong answer, both ways.
EXTREMES = [
    ("amax", "mean"),
    ("max", "min"),
    ("argmax", "argmin"),
    ("maximum", "minimum"),
    ("sum", "mean"),
    ("MaxPool2d", "AvgPool2d"),
    ("max_pool2d", "avg_pool2d"),
    ("AdaptiveMaxPool2d", "AdaptiveAvgPool2d"),
]
CLASSES = [
    ("ReLU", "Sigmoid"),
    ("relu", "sigmoid"),
    ("BatchNorm2d", "Identity"),
    ("LeNet", "ModernLeNet"),
    ("Residual", "PreActResidual"),
    ("Bottleneck", "PreActBottleneck"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("resnet18", "resnet34"),
    ("vgg11", "vgg13"),
    ("vgg16", "vgg19"),
]
CONVENTIONS = [
    ("reflect", "symmetric"),
    ("replicate", "circular"),
    ("same", "valid"),
    ("full", "same"),
]
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True)
class Error:
    """One error: what stands in a line, what it becomes, the whole code."""

    kind: str
    line: int
    old: str
    new: str
    source: str


def errors(source: str) -> list[Error]:
    """All errors that can be put into a piece of code, in its order."""
    found = {}
    for node in own_nodes(ast.parse(source)):
        for kind, variants in KINDS.items():
            for variant in variants(node):
                if ast.unparse(variant) != ast.unparse(node):
                    error = put_in(source, node, variant, kind)
                    found.setdefault(error.source, error)
    return sorted(found.values(), key=lambda error: error.line)


def put_in(source: str, node: ast.expr, new: ast.AST, kind: str) -> Error:
    """Replace one expression; all else stays as it is written."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + node.end_col_offset
    text = b"".join(lines)
    changed = ast.unparse(new)
    if not isinstance(new, ast.Slice):  # no parentheses around those
        changed = f"({changed})"
    return Error(
        kind,
        node.lineno,
        " ".join(text[begin:end].decode().split()),
        ast.unparse(new),
        (text[:begin] + changed.encode() + text[end:]).decode(),
    )


def own_nodes(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions of a piece of code that decide what it computes."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not is_beside(child):
                if isinstance(child, (ast.expr, ast.Slice)):
                    yield child
                yield from own_nodes(child)


def is_beside(node: ast.AST) -> bool:
    """Whether a piece of code only checks, refuses, tells or shows."""
    if isinstance(node, (ast.Assert, ast.Raise, ast.JoinedStr)):
        return True
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Constant):  # a docstring
        return True
    return (
        isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).split(".")[0] in SHOWING
    )


def changed(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    new = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def is_whole(node: ast.AST | None) -> bool:
    """Whether a node is a whole number, written out."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int


def plus(node: ast.expr, number: int) -> ast.expr:
    """A node and a number added, as one number where that can be."""
    if is_whole(node):
        return ast.Constant(ast.literal_eval(node) + number)
    sign = ast.Add() if number > 0 else ast.Sub()
    return ast.BinOp(node, sign, ast.Constant(abs(number)))


def keywords(node: ast.AST, *names: str) -> Iterator[int]:
    """Places of a call's keyword arguments that have one of the names."""
    if isinstance(node, ast.Call):
        for place, keyword in enumerate(node.keywords):
            if keyword.arg in names:
                yield place


def with_keyword(node: ast.Call, place: int, value: ast.expr) -> ast.Call:
    """A call with another value of one keyword argument."""
    new = copy.deepcopy(node)
    new.keywords[place].value = value
    return new


def flipped_kernel(node: ast.AST) -> Iterator[ast.AST]:
    """A flip left out, or one too many in front of a convolution."""
    if not isinstance(node, ast.Call):
        return
    function = ast.unparse(node.func)
    if isinstance(node.func, ast.Attribute) and node.func.attr == "flip":
        yield node.args[0] if function == "torch.flip" else node.func.value
    if ("corr2d" in function or "conv2d" in function) and len(
        node.args
    ) > 1:
        kernel = ast.Attribute(node.args[1], "flip")
        flipped = ast.Call(kernel, [ast.Constant(-1)], [])
        yield changed(node, args=[node.args[0], flipped, *node.args[2:]])


def factor(node: ast.AST) -> Iterator[ast.AST]:
    """A factor dropped or doubled, a divisor dropped."""
    if not isinstance(node, ast.BinOp):
        return
    if isinstance(node.op, ast.Mult):
        yield node.left
        yield node.right
        yield ast.BinOp(ast.Constant(2), ast.Mult(), node)
    if isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Pow)):
        yield node.left


def swapped_axis(node: ast.AST) -> Iterator[ast.AST]:
    """Another dimension, a transposition left out, two axes exchanged."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "H"):
        yield node.value
    for place in keywords(node, "dim", "axis"):
        value = node.keywords[place].value
        if is_whole(value):
            axis = ast.literal_eval(value)
            other = {0: 1, -1: -2}.get(axis, axis - 1 if axis > 0 else -1)
            yield with_keyword(node, place, ast.Constant(other))
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Attribute):
        if node.func.attr == "transpose":
            yield node.func.value
        if node.func.attr in ("permute", "reshape", "view"):
            for place, (one, two) in enumerate(pairwise(node.args)):
                if not isinstance(one, ast.Starred):
                    args = list(node.args)
                    args[place : place + 2] = [two, one]
                    yield changed(node, args=args)


def padding(node: ast.AST) -> Iterator[ast.AST]:
    """Padding, stride or dilation of another size or convention."""
    for place in keywords(node, "padding", "pad", "stride", "dilation"):
        value = node.keywords[place].value
        if not isinstance(value, (ast.Tuple, ast.List)):
            yield with_keyword(node, place, plus(value, 1))
    yield from other_word(node, CONVENTIONS)


def off_by_one(node: ast.AST) -> Iterator[ast.AST]:
    """An index, the end of a range or of a sum that is one off."""
    if isinstance(node, ast.Subscript) and is_whole(node.slice):
        yield changed(node, slice=plus(node.slice, 1))
    if isinstance(node, ast.Slice):
        if node.lower:
            yield changed(node, lower=plus(node.lower, 1))
        if node.upper:
            yield changed(node, upper=plus(node.upper, -1))
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
        first = plus(node.args[0], 1 if len(node.args) > 1 else -1)
        yield changed(node, args=[first, *node.args[1:]])
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, (ast.Add, ast.Sub))
        and ast.unparse(node.right) == "1"
    ):
        yield node.left


def extreme(node: ast.AST) -> Iterator[ast.AST]:
    """The mean instead of the maximum, a sum instead of a mean."""
    yield from other_word(node, [*EXTREMES, ("max", "avg")])


def sign(node: ast.AST) -> Iterator[ast.AST]:
    """Plus for minus, minus for plus, a minus left out."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Add):
            yield changed(node, op=ast.Sub())
        if isinstance(node.op, ast.Sub):
            yield changed(node, op=ast.Add())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand


def bias(node: ast.AST) -> Iterator[ast.AST]:
    """A bias that is missing, or one too many."""
    for place in keywords(node, "bias"):
        value = node.keywords[place].value
        if isinstance(value, ast.Constant):
            new = ast.Constant(not value.value)
            yield with_keyword(node, place, new)


def wrong_class(node: ast.AST) -> Iterator[ast.AST]:
    """Another layer, network or start."""
    yield from other_word(node, CLASSES)


def condition(node: ast.AST) -> Iterator[ast.AST]:
    """A comparison the wrong way, or one that takes the border along."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield changed(node, ops=[COMPARISONS[type(node.ops[0])]()])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand


def other_word(
    node: ast.AST, words: list[tuple[str, str]]
) -> Iterator[ast.AST]:
    """A name, an attribute or a string that becomes its counterpart."""
    fields = {ast.Name: "id", ast.Attribute: "attr", ast.Constant: "value"}
    field = fields.get(type(node))
    if field is None or isinstance(getattr(node, "ctx", None), ast.Store):
        return
    for pair in words:
        for old, new in (pair, pair[::-1]):
            if getattr(node, field) == old:
                yield changed(node, **{field: new})


KINDS: dict[str, Callable[[ast.AST], Iterator[ast.AST]]] = {
    "flipped kernel": flipped_kernel,
    "factor": factor,
    "swapped axis": swapped_axis,
    "padding or stride": padding,
    "off by one": off_by_one,
    "maximum or mean": extreme,
    "sign": sign,
    "bias": bias,
    "wrong class": wrong_class,
    "condition": condition,
}
