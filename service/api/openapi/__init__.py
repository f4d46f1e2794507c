"""The OpenAPI document, made of the routes' descriptions, bodies and return types."""
