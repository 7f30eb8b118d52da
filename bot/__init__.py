"""Everything a person sees. This package knows no SQL and no model."""
