"""All public files."""

from tests.support.public_files.banks import BANKS
from tests.support.public_files.governments import GOVERNMENTS
from tests.support.public_files.shops import SHOPS
from tests.support.public_files.spreadsheets import SPREADSHEETS

FILES = [*BANKS, *SHOPS, *SPREADSHEETS, *GOVERNMENTS]
