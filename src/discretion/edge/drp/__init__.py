"""The door for authorised agents: Data Rights Protocol 1.0.

Source: Consumer Reports, "Data Rights Protocol", https://github.com/consumer-reports-innovation-lab/data-rights-protocol.
"""
