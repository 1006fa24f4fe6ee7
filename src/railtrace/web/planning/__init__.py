"""What a depot needs: a model of its shop, its load at once, its runs, what to buy."""
