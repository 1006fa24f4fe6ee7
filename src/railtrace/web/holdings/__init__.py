"""Holdings: states, places and holders of the stock, locomotives of sections, guests, sites."""
