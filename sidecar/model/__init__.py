"""The words that every room shares: endpoints, attributes, decisions, reasons, facts, records.

Belongs here: frozen values and the pure rules about them, and `Budget`, the one counter that rooms share. Does not
belong here: I/O, clocks that tick, anything that one room alone needs. Everyone may import it; it imports nothing
of ours.
"""
