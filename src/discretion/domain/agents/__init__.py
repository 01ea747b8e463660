"""Requests that organisations file for people.

Two kinds of organisations: authorised agents of people, over the Data Rights Protocol, and controllers for
whom this installation is the processor, over OpenDSR. The HTTP endpoints are in ``edge.drp`` and
``edge.opendsr``.

Reading order: ``agent``, ``agent_register``, ``agent_request``, ``delegated_requests``, ``status_map``,
``callbacks``; then ``command`` (``discretion agent``).
"""
