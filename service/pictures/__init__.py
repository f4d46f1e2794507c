"""Pictures as documents, drawn of plain values; knows no stores, no models and no HTTP."""
