"""Text from resident models: requests, cache, scheduler; knows neither HTTP nor training."""
