"""The OpenAPI document and the documentation page, derived from the routes and their schemas."""
