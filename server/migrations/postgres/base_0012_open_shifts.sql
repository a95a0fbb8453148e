-- Each hand-in looks for the shift that is open: it need not walk through all that the till ever had.
CREATE INDEX shifts_open ON shifts (terminal, epoch, opened) WHERE is_open = 1;
