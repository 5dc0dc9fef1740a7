//! Reports of faaslens: tables, publication figures and the page.
