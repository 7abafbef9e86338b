"""The migration of the guide."""

from continuo_client.outbox import DROP_SCHEMA, SCHEMA
from django.db import migrations


class Migration(migrations.Migration):
    """Makes the outbox; backwards it removes it."""

    operations = (migrations.RunSQL(SCHEMA, DROP_SCHEMA),)
