"""Small known-bad changes to the product, each of which the tests must notice."""
