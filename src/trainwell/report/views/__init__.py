"""Records to plain data: what a report shows, before anything is drawn."""
