"""What is checked when nothing happens on a click: each step from Label Studio to a picture, with a cure."""
