"""The commands for a gocron server: its nodes, and the history of the pydag before this one."""

from __future__ import annotations

import click


@click.group(invoke_without_command=True)
@click.pass_context
def nodes(context: click.Context) -> None:
    """List the nodes of gocron, or add, check and remove one."""
    if context.invoked_subcommand is None:
        from pydag.app import gocron as gocron_app
        from pydag.view import terminal

        found = gocron_app.nodes()
        for node in found:
            click.echo(f"{node.id}  {node.alias}  {node.name}:{node.port}")
        if not found:
            terminal.print_stderr("No nodes yet. `pydag nodes add --name HOST --alias ALIAS` registers one.")


@nodes.command()
@click.option("--name", required=True, help="Host name or address, by which gocron reaches the node.")
@click.option("--port", default=5921, show_default=True, help="Port of gocron-node.")
@click.option("--alias", required=True, help="The name for people, and for node=... in a task.")
def add(name: str, port: int, alias: str) -> None:
    """Register a node, and look whether gocron reaches it."""
    from pydag.app import gocron as gocron_app

    click.echo(f"added node {gocron_app.add_node(name, port, alias).id}, and gocron reaches it")


@nodes.command()
@click.argument("node")
def check(node: str) -> None:
    """Look whether gocron reaches NODE, an id or an alias."""
    from pydag.app import gocron as gocron_app

    click.echo(f"gocron reaches node {gocron_app.check_node(node).id}")


@nodes.command()
@click.argument("node")
def remove(node: str) -> None:
    """Take NODE, an id or an alias, away from gocron."""
    from pydag.app import gocron as gocron_app

    click.echo(f"removed node {gocron_app.remove_node(node).id}")


@click.command()
def migrate() -> None:
    """Copy the history that the earlier pydag kept on Redis.

    It changes nothing there, and can be repeated.
    """
    from pydag.app import gocron as gocron_app
    from pydag.view import terminal

    done = gocron_app.migrate()
    click.echo(f"{done.runs} runs came over, {done.present} were here already")
    for key in done.unreadable:
        terminal.print_stderr(f"not readable: {key}")
