"""`python -m trainwell` is the command `trainwell`."""

from trainwell.cli import main

if __name__ == "__main__":
    main()
