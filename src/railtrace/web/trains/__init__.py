"""The Trains room: departures, consists, their gates and their release."""
