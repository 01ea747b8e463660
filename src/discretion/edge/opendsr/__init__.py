"""The protocol of controllers for which this installation is a processor: OpenDSR 2.0, formerly OpenGDPR.

Source: "OpenDSR", https://github.com/opengdpr/OpenDSR, specification.md.

Modules: ``endpoints`` (all routes), ``request_parser`` (what is requested, or everything that is wrong),
``status`` (responses and callbacks), ``certificate`` (signing), ``protocol_terms`` (constants).
"""
