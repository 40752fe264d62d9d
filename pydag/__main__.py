"""`pydag` and `python -m pydag`."""

from pydag.cli.main import main

if __name__ == "__main__":
    main()
