"""The door for controllers whose processor we are: OpenDSR 2.0, and OpenGDPR as it was called before.

Source: "OpenDSR", https://github.com/opengdpr/OpenDSR, specification.md.
"""
