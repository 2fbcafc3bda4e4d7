"""The walls between tenants on a live database: what the catalog says of them, and attacks on them."""
