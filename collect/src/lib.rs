//! Collectors of faaslens: from provider logs and load-generator results to store tables.
