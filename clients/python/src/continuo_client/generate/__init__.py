"""``python -m continuo_client.generate URL``: a module with the kinds of an API.

``schemas`` turns JSON Schemas into types, ``module`` writes the module.
"""
