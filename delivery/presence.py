"""Which names a condition has made sure of, so that a text may use a value that can be missing."""

from jinja2 import nodes


def path_of(node: nodes.Node | None) -> str:
    """The dotted name a chain of dots spells; empty for anything else."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        head = path_of(node.node)
        return f"{head}.{node.attr}" if head else ""
    return ""


def own_name(node: nodes.Node) -> frozenset[str]:
    return frozenset({path_of(node)} - {""})


def present_if(test: nodes.Node) -> frozenset[str]:
    """Names that have a value wherever this condition is true."""
    if isinstance(test, nodes.And):
        return present_if(test.left) | present_if(test.right)
    if isinstance(test, nodes.Not):
        return present_if_not(test.node)
    return own_name(test)


def present_if_not(test: nodes.Node) -> frozenset[str]:
    """Names that have a value wherever this condition is false."""
    if isinstance(test, nodes.Or):
        return present_if_not(test.left) | present_if_not(test.right)
    return present_if(test.node) if isinstance(test, nodes.Not) else frozenset()
