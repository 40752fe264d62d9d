"""The commands for the nodes of a gocron server."""

from __future__ import annotations

import click

from pydag.app import gocron
from pydag.cli.help import Command, Group
from pydag.view.terminal import print_stderr


@click.group(
    cls=Group,
    invoke_without_command=True,
    examples=(
        ("pydag nodes", "id, alias and address of each"),
        ("pydag nodes add --name 10.0.0.7 --alias gpu", "register one, and check it"),
    ),
    statuses=(0, 2, 5, 6),
)
@click.pass_context
def nodes(context: click.Context) -> None:
    """List the nodes of gocron, or add, check and remove one."""
    if context.invoked_subcommand is not None:
        return
    found = gocron.nodes()
    for node in found:
        click.echo(f"{node.id}  {node.alias}  {node.name}:{node.port}")
    if not found:
        print_stderr("No nodes yet. `pydag nodes add --name HOST --alias ALIAS` registers one.")


@nodes.command(
    cls=Command, examples=(("pydag nodes add --name 10.0.0.7 --alias gpu", "on the port 5921"),), statuses=(0, 2, 5)
)
@click.option("--name", required=True, help="Host name or address, by which gocron reaches the node.")
@click.option("--port", default=5921, show_default=True, help="Port of gocron-node.")
@click.option("--alias", required=True, help="A name for people, and for node=... in a task.")
def add(name: str, port: int, alias: str) -> None:
    """Register a node, and check that gocron reaches it."""
    click.echo(f"added node {gocron.add_node(name, port, alias).id}, and gocron reaches it")


@nodes.command(
    cls=Command, examples=(("pydag nodes check gpu", "by its alias; an id does it too"),), statuses=(0, 2, 5, 6)
)
@click.argument("node")
def check(node: str) -> None:
    """Check that gocron reaches NODE, an id or an alias."""
    click.echo(f"gocron reaches node {gocron.check_node(node).id}")


@nodes.command(
    cls=Command, examples=(("pydag nodes remove gpu", "by its alias; an id does it too"),), statuses=(0, 2, 5, 6)
)
@click.argument("node")
def remove(node: str) -> None:
    """Remove NODE, an id or an alias, from gocron."""
    click.echo(f"removed node {gocron.remove_node(node).id}")
