"""`milepost demo`: real shop data played through four campaigns, months of it in minutes."""

from bootstrap.demo.command import Size, main

__all__ = ["Size", "main"]
