"""Everything that knows Evidently: reports, dashboards, pages and the workspace."""
