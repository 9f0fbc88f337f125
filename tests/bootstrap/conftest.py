from tests.temporal_fixtures import dev_server, temporal

__all__ = ["dev_server", "temporal"]
