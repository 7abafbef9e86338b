"""The command ``continuo``: orders, shows and steers jobs from a shell, over HTTP."""
