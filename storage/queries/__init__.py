"""What people look at: members, runs, campaigns, the state of the machinery. Changes nothing.

Every function takes an open connection and answers with plain rows of JSON and aware instants.
"""
