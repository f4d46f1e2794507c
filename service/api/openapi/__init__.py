"""The OpenAPI document, generated from the routes' descriptions, bodies and return types."""
