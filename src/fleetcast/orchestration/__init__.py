"""Keeping an environment going: what is due is found, work is started or joined, and what watches over it is kept alive."""
