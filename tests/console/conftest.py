"""The console's pages are asked over the same shop as the API: `shop.signed_in("marketer")`."""

from tests.api.conftest import serving, shop

__all__ = ["serving", "shop"]
